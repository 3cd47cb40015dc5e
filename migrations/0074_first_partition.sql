-- 0074: the first days of finished tasks are there before any service starts
--
-- The scheduler makes them ahead. On a new database a task that ended while it made the very first one was refused by the
-- default partition, and waited for its deadline.

SELECT finished_tasks_keep(3, 30);

-- 0175: room on the pages of messages for their next states
--
-- What we send changes its state three or four times. Where its page is full each change is written to another page, and
-- to all three indexes. What is stored already stays as it is.
ALTER TABLE messages SET (fillfactor = 75);

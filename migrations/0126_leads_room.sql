-- 0126: a lead's page has room for what its turns make of it
--
-- A lead is written soon after it was inserted, when its page is full of others that came with it: about half of the
-- updates went to another page, and with them into each of the table's five indexes.
ALTER TABLE leads SET (fillfactor = 75);

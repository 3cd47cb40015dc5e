-- 0050: a chunk's text stands in its row
--
-- A text of 500 tokens and its words are more than the 2 KB from which PostgreSQL moves a value out of the row and
-- compresses it. To read it back took 24 us for each such chunk: a search reads some 17 answers of which 7 are long, so
-- that this is about a tenth of the database's time. Now a row is left as it is up to a page. What was stored before is
-- read as it was, and takes the new form when its document is stored again.

ALTER TABLE chunks SET (toast_tuple_target = 8160);

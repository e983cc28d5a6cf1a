-- What the models call and DuckDB names otherwise. Names and meanings are Spark's where Spark has them.
-- Epoch milliseconds to a timestamp in UTC, and back (rounded down).
CREATE OR REPLACE MACRO timestamp_millis(ms) AS make_timestamptz(CAST(ms AS BIGINT) * 1000);
CREATE OR REPLACE MACRO unix_millis(ts) AS epoch_ms(ts);
-- 1 = Monday … 7 = Sunday.
CREATE OR REPLACE MACRO iso_weekday(day) AS isodow(day);
-- Letter by letter, whatever stands around; without spaces of any width at either end.
CREATE OR REPLACE MACRO small_letters(words) AS lower(words);
CREATE OR REPLACE MACRO without_spaces_around(words) AS trim(words);

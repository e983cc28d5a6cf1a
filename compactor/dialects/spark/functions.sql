-- What the models call and Spark lacks or does otherwise than DuckDB.
-- 1 = Monday … 7 = Sunday.
CREATE OR REPLACE TEMPORARY FUNCTION iso_weekday(day DATE) RETURNS INT RETURN weekday(day) + 1;
-- Letter by letter, whatever stands around: Spark's own lower() knows the end of a Greek word, makes two letters
-- of one 'İ', and knows 27 letters of Unicode 16 that DuckDB does not.
CREATE OR REPLACE TEMPORARY FUNCTION small_letters(words STRING) RETURNS STRING
  RETURN CASE WHEN words RLIKE r'^\p{ASCII}*\z' THEN lower(words)
    ELSE array_join(transform(split(words, ''), letter -> CASE WHEN letter = 'İ' THEN 'i'
      WHEN letter RLIKE r'[\x{1C89}\x{A7CB}\x{A7CC}\x{A7DA}\x{A7DC}\x{10D50}-\x{10D65}]' THEN letter ELSE lower(letter) END), '') END;
-- Spaces of any width; Spark's own trim() knows one.
CREATE OR REPLACE TEMPORARY FUNCTION without_spaces_around(words STRING) RETURNS STRING
  RETURN regexp_replace(words, r'^\p{Zs}+|\p{Zs}+\z', '');

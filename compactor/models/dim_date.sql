-- Every day from the first to the last day of a fact, with none left out, over up to a million days (2,700 years).
WITH span AS (SELECT MIN(date) AS first_day, MAX(date) AS last_day FROM fact_days),
digits AS (SELECT n FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS t (n)),
numbers AS (
  SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 100000 * f.n AS n
  FROM digits a CROSS JOIN digits b CROSS JOIN digits c CROSS JOIN digits d CROSS JOIN digits e CROSS JOIN digits f
),
days AS (
  SELECT s.first_day + CAST(n.n AS INT) AS day
  FROM span s CROSS JOIN numbers n
  WHERE s.first_day IS NOT NULL AND n.n < (extract(YEAR FROM s.last_day) - extract(YEAR FROM s.first_day) + 1) * 366
)
SELECT
  CAST(extract(YEAR FROM d.day) * 10000 + extract(MONTH FROM d.day) * 100 + extract(DAY FROM d.day) AS BIGINT) AS date_key,
  d.day AS date,
  CAST(extract(YEAR FROM d.day) AS BIGINT) AS year,
  CAST(extract(QUARTER FROM d.day) AS BIGINT) AS quarter,
  CAST(extract(MONTH FROM d.day) AS BIGINT) AS month,
  concat_ws('-', lpad(CAST(extract(YEAR FROM d.day) AS STRING), 4, '0'), lpad(CAST(extract(MONTH FROM d.day) AS STRING), 2, '0')) AS year_month,
  CAST(extract(DAY FROM d.day) AS BIGINT) AS day,
  CAST(iso_weekday(d.day) AS BIGINT) AS day_of_week,
  CAST(extract(WEEK FROM d.day) AS BIGINT) AS iso_week,
  iso_weekday(d.day) >= 6 AS is_weekend
FROM days d CROSS JOIN span s
WHERE d.day <= s.last_day

-- What is assumed of a book or an author before anybody rated them: the mean of all ratings, with the weight of 25.
SELECT CAST(25 AS DOUBLE) AS prior_weight,
  CASE WHEN SUM(ratings) > 0 THEN CAST(SUM(rating_sum) AS DOUBLE) / CAST(SUM(ratings) AS DOUBLE) ELSE CAST(0 AS DOUBLE) END AS prior_mean
FROM book_ratings

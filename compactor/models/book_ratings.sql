-- Each book's ratings and reviews over all time.
SELECT book_id, SUM(ratings) AS ratings, SUM(rating_sum) AS rating_sum,
  SUM(ratings_1) AS ratings_1, SUM(ratings_2) AS ratings_2, SUM(ratings_3) AS ratings_3, SUM(ratings_4) AS ratings_4,
  SUM(ratings_5) AS ratings_5, SUM(reviews) AS reviews
FROM book_monthly
GROUP BY book_id

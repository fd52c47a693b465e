-- The person table that every topology needs; the foreign suites never touch it.
CREATE TABLE people_of_the_topology (user_id bigint PRIMARY KEY);

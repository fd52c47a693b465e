// pgx v4, as Debian packages it: statement cache, Batch, CopyFrom, cancel by context.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

const (
	fixtures = 40
	scratch  = 50
	stranger = 5001
	nobody   = 3000
	note     = 1000000
	who      = "SELECT user_id, name, checksum FROM users WHERE user_id = $1"
	add      = "UPDATE accounts SET balance = balance + $2 WHERE user_id = $1"
)

var (
	ctx        = context.Background()
	base, _    = strconv.ParseInt(os.Getenv("CLIENT_BASE"), 10, 64)
	clients, _ = strconv.ParseInt(os.Getenv("CLIENTS"), 10, 64)
)

type row struct {
	user     int64
	name     string
	checksum int64
}

func low(i int64) int64  { return base + i }
func high(i int64) int64 { return 1000 + base + i }
func either(i int64) int64 {
	if i%2 == 0 {
		return low(i / 2 % fixtures)
	}
	return high(i / 2 % fixtures)
}
func rowOf(user int64) row { return row{user, fmt.Sprintf("p%d", user), user*7919 + 13} }

func rowsOf(users []int64) (rows []row) {
	for _, user := range users {
		rows = append(rows, rowOf(user))
	}
	return
}

func everyone() (users []int64) {
	for part := int64(0); part <= 1000; part += 1000 {
		for client := int64(0); client < clients; client++ {
			for i := int64(0); i < fixtures; i++ {
				users = append(users, part+client*100+i)
			}
		}
	}
	return
}

type wrong string

// check and must end a step; the step's line stands in what it says.
func check(good bool, format string, values ...interface{}) {
	if !good {
		_, _, line, _ := runtime.Caller(2)
		panic(wrong(fmt.Sprintf("line %d: ", line) + fmt.Sprintf(format, values...)))
	}
}

func must(err error) { check(err == nil, "%v", err) }

func same(got, wanted interface{}) {
	check(reflect.DeepEqual(got, wanted), "got %.120v instead of %.120v", got, wanted)
}

func refused(state string, err error, hint bool) {
	var problem *pgconn.PgError
	check(errors.As(err, &problem), "not refused with %s: %v", state, err)
	check(problem.Code == state, "%s instead of %s: %s", problem.Code, state, problem.Message)
	check(!hint || problem.Hint != "", "no hint: %s", problem.Message)
}

func connected(work func(c *pgx.Conn)) {
	c, err := pgx.Connect(ctx, "")
	must(err)
	defer c.Close(ctx)
	work(c)
}

func ask(c interface {
	Query(context.Context, string, ...interface{}) (pgx.Rows, error)
}, sql string, values ...interface{}) (rows []row) {
	found, err := c.Query(ctx, sql, values...)
	must(err)
	return collect(found)
}

func collect(found pgx.Rows) (rows []row) {
	defer found.Close()
	for found.Next() {
		var one row
		must(found.Scan(&one.user, &one.name, &one.checksum))
		rows = append(rows, one)
	}
	must(found.Err())
	return
}

func changes(c *pgx.Conn, count int64, sql string, values ...interface{}) {
	tag, err := c.Exec(ctx, sql, values...)
	must(err)
	check(tag.RowsAffected() == count, "%s: %d rows instead of %d", sql, tag.RowsAffected(), count)
}

func number(c *pgx.Conn, sql string, values ...interface{}) (n int64) {
	must(c.QueryRow(ctx, sql, values...).Scan(&n))
	return
}

var steps = []struct {
	name string
	work func()
}{
	{"connect", func() {
		connected(func(c *pgx.Conn) { check(number(c, "SELECT 1") == 1, "not 1") })
		config, err := pgx.ParseConfig("")
		must(err)
		config.Password = "wrong"
		_, err = pgx.ConnectConfig(ctx, config)
		refused("28P01", err, false)
	}},
	{"crud", func() {
		connected(func(c *pgx.Conn) {
			for _, user := range []int64{low(scratch), high(scratch)} {
				changes(c, 1, "INSERT INTO users (user_id, name, checksum) VALUES ($1, $2, 1)", user, "new")
				changes(c, 1, "UPDATE users SET name = $2 WHERE user_id = $1", user, "newer")
				same(ask(c, who, user), []row{{user, "newer", 1}})
				check(number(c, "DELETE FROM users WHERE user_id = $1 RETURNING user_id", user) == user, "another was deleted")
				same(ask(c, who, user), []row(nil))
			}
		})
	}},
	{"in_two_shards", func() {
		connected(func(c *pgx.Conn) {
			users := []int64{low(0), low(7), high(3)}
			same(ask(c, "SELECT user_id, name, checksum FROM users WHERE user_id = ANY($1) ORDER BY user_id", users), rowsOf(users))
			same(ask(c, "SELECT user_id, name, checksum FROM users WHERE user_id IN ($3, $1, $2) ORDER BY user_id", users[0], users[1],
				users[2]), rowsOf(users))
		})
	}},
	{"gather_order", func() {
		connected(func(c *pgx.Conn) {
			users := everyone()
			sort.SliceStable(users, func(a, b int) bool { return users[a]%100 < users[b]%100 })
			same(ask(c, "SELECT user_id, name, checksum FROM users WHERE age >= $1 ORDER BY age, user_id LIMIT $2", 0, 20),
				rowsOf(users[:20]))
		})
	}},
	{"aggregate", func() {
		connected(func(c *pgx.Conn) {
			var sum, count, least, most int64
			for _, user := range everyone() {
				sum -= rowOf(user).checksum
				count--
			}
			var s int64
			must(c.QueryRow(ctx, "SELECT count(*), sum(checksum)::bigint, min(user_id), max(user_id) FROM users WHERE age >= 0").Scan(
				&s, &sum, &least, &most))
			same([]int64{s, least, most}, []int64{-count, everyone()[0], everyone()[len(everyone())-1]})
			check(number(c, "SELECT count(*) FROM users WHERE age >= 0 GROUP BY age ORDER BY age LIMIT 1") == clients*2, "group")
		})
	}},
	{"insert_split", func() {
		connected(func(c *pgx.Conn) {
			users := []int64{low(scratch + 1), low(scratch + 2), high(scratch + 1)}
			changes(c, 3, "INSERT INTO users (name, user_id) VALUES ('s', $3), ('s', $1), ('s', $2)", users[0], users[1], users[2])
			check(number(c, "SELECT count(*) FROM users WHERE name = 's' AND user_id = ANY($1)", users) == 3, "not 3")
			changes(c, 3, "DELETE FROM users WHERE user_id = ANY($1)", users)
		})
	}},
	{"transaction", func() {
		connected(func(c *pgx.Conn) {
			for _, commit := range []bool{false, true} {
				tx, err := c.Begin(ctx)
				must(err)
				_, err = tx.Exec(ctx, add, low(1), 7)
				must(err)
				same(ask(tx, who, low(1)), []row{rowOf(low(1))})
				if commit {
					must(tx.Commit(ctx))
				} else {
					must(tx.Rollback(ctx))
				}
			}
			check(number(c, "SELECT balance FROM accounts WHERE user_id = $1", low(1)) == 7, "not 7")
		})
	}},
	{"read_first", func() {
		connected(func(c *pgx.Conn) {
			for _, user := range []int64{low(9), high(9)} {
				for _, before := range []string{"SELECT 1 WHERE false", "SELECT title FROM countries", ""} {
					must(c.BeginFunc(ctx, func(tx pgx.Tx) error {
						if before != "" {
							_, err := tx.Exec(ctx, before)
							must(err)
						}
						same(ask(tx, who, user), []row{rowOf(user)})
						_, err := tx.Exec(ctx, add, user, 1)
						return err
					}))
				}
				check(number(c, "SELECT balance FROM accounts WHERE user_id = $1", user) == 3, "not 3")
			}
		})
	}},
	{"multi_shard", func() {
		connected(func(c *pgx.Conn) {
			tx, err := c.Begin(ctx)
			must(err)
			_, err = tx.Exec(ctx, add, low(2), 5)
			must(err)
			_, err = tx.Exec(ctx, add, high(2), 5)
			refused("0A000", err, true)
			must(tx.Rollback(ctx))
			changes(c, 0, "SET domicile.multi_shard = on")
			must(c.BeginFunc(ctx, func(tx pgx.Tx) error {
				for _, user := range []int64{low(2), high(2), low(2)} {
					if _, err := tx.Exec(ctx, add, user, 5); err != nil {
						return err
					}
				}
				return nil
			}))
			check(number(c, "SELECT sum(balance)::bigint FROM accounts WHERE user_id IN ($1, $2)", low(2), high(2)) == 15, "not 15")
		})
	}},
	{"refused_abroad", func() {
		connected(func(c *pgx.Conn) {
			_, err := c.Exec(ctx, who, int64(stranger))
			refused("42501", err, true)
			_, err = c.Exec(ctx, "INSERT INTO users (user_id) VALUES ($1)", int64(stranger))
			refused("42501", err, true)
			same(ask(c, who, low(0)), []row{rowOf(low(0))})
		})
	}},
	{"refused_range", func() {
		connected(func(c *pgx.Conn) {
			_, err := c.Exec(ctx, who, int64(nobody))
			refused("22003", err, false)
			same(ask(c, who, high(0)), []row{rowOf(high(0))})
		})
	}},
	{"prepared", func() {
		connected(func(c *pgx.Conn) {
			_, err := c.Prepare(ctx, "named", who)
			must(err)
			for i := int64(0); i < 50; i++ {
				same(ask(c, "named", either(i)), []row{rowOf(either(i))})
				same(ask(c, who, either(i)), []row{rowOf(either(i))}) // the driver's cache of statements
			}
			must(c.Deallocate(ctx, "named"))
		})
	}},
	{"batch_of_one_shard", func() { connected(func(c *pgx.Conn) { batch(c, func(i int64) int64 { return high(i % fixtures) }) }) }},
	{"pipeline", func() { connected(func(c *pgx.Conn) { batch(c, either) }) }},
	{"copy_in", func() {
		connected(func(c *pgx.Conn) {
			var users []int64
			var rows [][]interface{}
			for i := int64(0); i < 40; i++ {
				users = append(users, either(i)+scratch+10)
				rows = append(rows, []interface{}{users[i], fmt.Sprintf("c%d", users[i]), -1})
			}
			put := func(rows [][]interface{}) (int64, error) {
				return c.CopyFrom(ctx, pgx.Identifier{"users"}, []string{"user_id", "name", "age"}, pgx.CopyFromRows(rows))
			}
			for state, bad := range map[string]int64{"23505": low(0), "42501": stranger} {
				_, err := put(append(rows[:len(rows):len(rows)], []interface{}{bad, "bad", -1}))
				refused(state, err, false)
				check(number(c, "SELECT count(*) FROM users WHERE user_id = ANY($1)", users) == 0, "rows of a failed COPY")
			}
			count, err := put(rows)
			must(err)
			check(count == 40, "%d rows copied", count)
			changes(c, 40, "DELETE FROM users WHERE user_id = ANY($1)", users)
		})
	}},
	{"copy_out", func() {
		connected(func(c *pgx.Conn) {
			var out bytes.Buffer
			_, err := c.PgConn().CopyTo(ctx, &out,
				"COPY (SELECT user_id, name, checksum FROM users WHERE age >= 0 ORDER BY user_id) TO STDOUT")
			must(err)
			wanted := ""
			for _, user := range everyone() {
				wanted += fmt.Sprintf("%d\tp%d\t%d\n", user, user, rowOf(user).checksum)
			}
			check(out.String() == wanted, "got %.200s", out.String())
		})
	}},
	{"cursor", func() { // rows are read while they come; a second statement follows what is left unread
		connected(func(c *pgx.Conn) {
			all := "SELECT user_id, name, checksum FROM users WHERE age >= 0 ORDER BY user_id"
			same(ask(c, all), rowsOf(everyone()))
			rows, err := c.Query(ctx, all)
			must(err)
			check(rows.Next(), "no row")
			rows.Close()
			same(ask(c, who, high(1)), []row{rowOf(high(1))})
		})
	}},
	{"cancel", func() {
		connected(func(c *pgx.Conn) {
			start := time.Now()
			time.AfterFunc(500*time.Millisecond, func() { c.PgConn().CancelRequest(ctx) })
			_, err := c.Exec(ctx, "SELECT pg_sleep(8) FROM users WHERE user_id = $1", high(0))
			refused("57014", err, false)
			check(time.Since(start) < 4*time.Second, "cancelled late")
			same(ask(c, who, low(0)), []row{rowOf(low(0))})
		})
		connected(func(c *pgx.Conn) { // the driver closes the connection then
			soon, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
			defer cancel()
			start := time.Now()
			_, err := c.Exec(soon, "SELECT pg_sleep(8)")
			check(err != nil && time.Since(start) < 4*time.Second, "not cancelled: %v", err)
		})
	}},
	{"recovery", func() {
		connected(func(c *pgx.Conn) {
			again := "INSERT INTO users (user_id) VALUES ($1)"
			_, err := c.Exec(ctx, again, high(0))
			refused("23505", err, false)
			same(ask(c, who, high(0)), []row{rowOf(high(0))})
			tx, err := c.Begin(ctx)
			must(err)
			same(ask(tx, who, high(0)), []row{rowOf(high(0))})
			inner, err := tx.Begin(ctx) // a savepoint
			must(err)
			_, err = inner.Exec(ctx, again, high(0))
			refused("23505", err, false)
			_, err = inner.Exec(ctx, who, high(0))
			refused("25P02", err, false)
			must(inner.Rollback(ctx))
			same(ask(tx, who, high(1)), []row{rowOf(high(1))})
			must(tx.Commit(ctx))
		})
	}},
	{"types", func() {
		for _, simple := range []bool{false, true} {
			config, err := pgx.ParseConfig("")
			must(err)
			config.PreferSimpleProtocol = simple
			c, err := pgx.ConnectConfig(ctx, config)
			must(err)
			types(c)
			c.Close(ctx)
		}
	}},
	{"megabyte", func() {
		connected(func(c *pgx.Conn) {
			for _, user := range []int64{low(6), high(6)} {
				sent := fmt.Sprintf("%d %s", user, strings.Repeat("ž", note))
				changes(c, 1, "INSERT INTO orders (user_id, order_no, note) VALUES ($1, 9, $2)", user, sent)
				var got string
				must(c.QueryRow(ctx, "SELECT note FROM orders WHERE user_id = $1 AND order_no = 9", user).Scan(&got))
				check(got == sent, "another value came back")
			}
			changes(c, 2, "DELETE FROM orders WHERE user_id IN ($1, $2) AND order_no = 9", low(6), high(6))
		})
	}},
	{"concurrent", func() {
		problems := make(chan interface{}, 8)
		var all sync.WaitGroup
		for n := int64(0); n < 8; n++ {
			all.Add(1)
			go func(n int64) {
				defer all.Done()
				defer func() {
					if problem := recover(); problem != nil {
						problems <- problem
					}
				}()
				connected(func(c *pgx.Conn) {
					for i := int64(0); i < 200; i++ {
						user := either(n*7 + i)
						if i%10 == 9 {
							check(number(c, "UPDATE accounts SET balance = balance + 1 WHERE user_id = $1 RETURNING user_id", user) == user,
								"another user's row")
						} else {
							same(ask(c, who, user), []row{rowOf(user)})
						}
					}
				})
			}(n)
		}
		all.Wait()
		select {
		case problem := <-problems:
			panic(problem)
		default:
		}
	}},
}

func batch(c *pgx.Conn, user func(int64) int64) {
	var one pgx.Batch
	for i := int64(0); i < 40; i++ {
		one.Queue(who, user(i))
		one.Queue("UPDATE accounts SET balance = balance + 0 WHERE user_id = $1", user(i))
	}
	results := c.SendBatch(ctx, &one)
	defer results.Close()
	for i := int64(0); i < 40; i++ {
		found, err := results.Query()
		must(err)
		same(collect(found), []row{rowOf(user(i))})
		tag, err := results.Exec()
		must(err)
		check(tag.RowsAffected() == 1, "%d rows", tag.RowsAffected())
	}
}

func types(c *pgx.Conn) {
	raw := make([]byte, 256)
	for i := range raw {
		raw[i] = byte(i)
	}
	at := time.Date(2024, 2, 29, 23, 59, 59, 999999000, time.UTC)
	words := "Žluťoučký 🐎 \\ ' \" \n\t"
	columns := "user_id, thing_no, amount, at, raw, list, doc, words"
	for _, user := range []int64{low(5), high(5)} {
		changes(c, 1, "INSERT INTO things ("+columns+") VALUES ($1, 1, $2::text::numeric, $3, $4, $5, $6::text::jsonb, $7)", user,
			"12345678901234567890.0123456789", at, raw, []int32{1, -3}, `{"a": [1, "ž"]}`, words)
		changes(c, 1, "INSERT INTO things (user_id, thing_no) VALUES ($1, 2)", user)
		var amount, doc, text string
		var when time.Time
		var bytes_ []byte
		var list []int32
		must(c.QueryRow(ctx, "SELECT amount::text, at, raw, list, doc::text, words FROM things WHERE user_id = $1 AND thing_no = 1",
			user).Scan(&amount, &when, &bytes_, &list, &doc, &text))
		same([]interface{}{amount, when.UTC(), bytes_, list, doc, text},
			[]interface{}{"12345678901234567890.0123456789", at, raw, []int32{1, -3}, `{"a": [1, "ž"]}`, words})
		var none *string
		must(c.QueryRow(ctx, "SELECT words FROM things WHERE user_id = $1 AND thing_no = 2", user).Scan(&none))
		check(none == nil, "not NULL")
	}
	changes(c, 4, "DELETE FROM things WHERE user_id IN ($1, $2)", low(5), high(5))
}

func run(work func()) (problem interface{}) {
	defer func() { problem = recover() }()
	work()
	return
}

func main() {
	only := " " + os.Getenv("CLIENT_STEPS") + " "
	for _, step := range steps {
		if only != "  " && !strings.Contains(only, " "+step.name+" ") {
			continue
		}
		if problem := run(step.work); problem != nil {
			fmt.Printf("fail %s: %s\n", step.name, strings.Join(strings.Fields(fmt.Sprint(problem)), " "))
		} else {
			fmt.Printf("pass %s\n", step.name)
		}
	}
}

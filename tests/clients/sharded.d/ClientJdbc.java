// pgjdbc, as Debian packages it. The connection's settings come from libpq's variables.
import java.io.ByteArrayOutputStream;
import java.io.StringReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.*;
import java.time.OffsetDateTime;
import java.util.*;
import java.util.concurrent.*;
import java.util.function.LongUnaryOperator;
import java.util.stream.*;
import org.postgresql.PGConnection;
import org.postgresql.util.PSQLException;

public class ClientJdbc {
    interface Work { void run(Connection c) throws Exception; }
    interface Call { void run() throws Exception; }

    static final int FIXTURES = 40, SCRATCH = 50, STRANGER = 5001, NOBODY = 3000, NOTE = 1_000_000;
    static final long BASE = Long.parseLong(System.getenv("CLIENT_BASE")), CLIENTS = Long.parseLong(System.getenv("CLIENTS"));
    static final String ROW = "SELECT user_id, name, checksum FROM users WHERE ", WHO = ROW + "user_id = ?";
    static final String ALL = ROW + "age >= 0 ORDER BY user_id", ADD = "UPDATE accounts SET balance = balance + 5 WHERE user_id = ?";
    static final Set<String> ONLY = new HashSet<>(Arrays.asList(System.getenv().getOrDefault("CLIENT_STEPS", "").trim().split(" +")));

    static long low(long i) { return BASE + i; }
    static long high(long i) { return 1000 + BASE + i; }
    static long either(long i) { return i % 2 == 0 ? low(i / 2 % FIXTURES) : high(i / 2 % FIXTURES); }
    static String row(long user) { return user + "|p" + user + "|" + (user * 7919 + 13); }

    static long[] everyone() {
        return LongStream.of(0, 1000).flatMap(part -> LongStream.range(0, CLIENTS).flatMap(c -> LongStream.range(0, FIXTURES)
            .map(i -> part + c * 100 + i))).toArray();
    }

    static List<String> rows(long... users) {
        return LongStream.of(users).mapToObj(ClientJdbc::row).collect(Collectors.toList());
    }

    static void check(boolean good, String what) {
        if (!good) throw new IllegalStateException(what);
    }

    static void same(Object got, Object wanted) {
        check(got.equals(wanted), "got " + shortened(got) + " instead of " + shortened(wanted));
    }

    static String shortened(Object value) {
        String text = String.valueOf(value);
        return text.substring(0, Math.min(120, text.length()));
    }

    static void refused(String state, boolean hint, Call call) throws Exception {
        try {
            call.run();
        } catch (SQLException e) {
            SQLException first = e.getNextException() != null && e instanceof BatchUpdateException ? e.getNextException() : e;
            check(state.equals(first.getSQLState()), first.getSQLState() + " instead of " + state + ": " + first.getMessage());
            check(!hint || ((PSQLException) first).getServerErrorMessage().getHint() != null, "no hint: " + first.getMessage());
            return;
        }
        check(false, "not refused with " + state);
    }

    static Connection open(String... options) throws SQLException {
        Properties login = new Properties();
        login.setProperty("user", System.getenv("PGUSER"));
        login.setProperty("password", System.getenv("PGPASSWORD"));
        for (int i = 0; i < options.length; i += 2) login.setProperty(options[i], options[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/"
            + System.getenv("PGDATABASE") + "?sslmode=disable", login);
    }

    static PreparedStatement bound(Connection c, String sql, Object... values) throws SQLException {
        PreparedStatement p = c.prepareStatement(sql);
        for (int i = 0; i < values.length; ++i) p.setObject(i + 1, values[i]);
        return p;
    }

    static List<String> read(ResultSet r) throws SQLException {
        List<String> rows = new ArrayList<>();
        int columns = r.getMetaData().getColumnCount();
        while (r.next()) {
            StringJoiner one = new StringJoiner("|");
            for (int i = 1; i <= columns; ++i) one.add(r.getString(i));
            rows.add(one.toString());
        }
        return rows;
    }

    static List<String> ask(Connection c, String sql, Object... values) throws SQLException {
        try (PreparedStatement p = bound(c, sql, values); ResultSet r = p.executeQuery()) {
            return read(r);
        }
    }

    static int change(Connection c, String sql, Object... values) throws SQLException {
        try (PreparedStatement p = bound(c, sql, values)) {
            return p.executeUpdate();
        }
    }

    static void set(Connection c, String sql) throws SQLException {
        try (Statement s = c.createStatement()) {
            s.execute(sql);
        }
    }

    static void step(String name, Work work, String... options) {
        if (!ONLY.contains("") && !ONLY.contains(name)) return;
        try (Connection c = open(options)) {
            work.run(c);
            System.out.println("pass " + name);
        } catch (Throwable e) {
            int line = Stream.of(e.getStackTrace()).filter(f -> f.getFileName().equals("ClientJdbc.java") && f.getMethodName().startsWith("lambda"))
                .mapToInt(StackTraceElement::getLineNumber).findFirst().orElse(0);
            System.out.println("fail " + name + ": line " + line + ": " + String.valueOf(e.getMessage()).replaceAll("\\s+", " "));
        }
    }

    // Deletes what a step has made, user by user.
    static void clear(Connection c, String table, String where, long... users) throws SQLException {
        for (long user : users) check(change(c, "DELETE FROM " + table + " WHERE user_id = ?" + where, user) > 0, "nothing to delete");
    }

    static void batch(Connection c, LongUnaryOperator user) throws SQLException {
        try (PreparedStatement p = c.prepareStatement("UPDATE accounts SET balance = balance + 0 WHERE user_id = ?")) {
            for (int i = 0; i < 60; ++i) {
                p.setLong(1, user.applyAsLong(i));
                p.addBatch();
            }
            check(IntStream.of(p.executeBatch()).sum() == 60, "not a row each");
        }
    }

    static void cancel(Connection c, String sql, Object... values) throws Exception {
        try (PreparedStatement p = bound(c, sql, values)) {
            Timer timer = new Timer(true);
            timer.schedule(new TimerTask() {
                public void run() {
                    try {
                        p.cancel();
                    } catch (SQLException e) {
                        System.err.println(e);
                    }
                }
            }, 500);
            long start = System.nanoTime();
            refused("57014", false, p::executeQuery);
            check(System.nanoTime() - start < 4_000_000_000L, "cancelled late");
            timer.cancel();
            same(ask(c, WHO, low(0)), rows(low(0)));
        }
    }

    static void types(Connection c) throws SQLException {
        byte[] raw = new byte[256];
        for (int i = 0; i < 256; ++i) raw[i] = (byte) i;
        BigDecimal amount = new BigDecimal("12345678901234567890.0123456789");
        OffsetDateTime at = OffsetDateTime.parse("2024-02-29T23:59:59.999999Z");
        String words = "Žluťoučký 🐎 \\ ' \" \n\t";
        for (long user : new long[] {low(5), high(5)}) {
            same(change(c, "INSERT INTO things (user_id, thing_no, amount, at, raw, list, doc, words) VALUES (?, 1, ?, ?, ?, ?, ?::jsonb, ?)",
                user, amount, at, raw, c.createArrayOf("int4", new Integer[] {1, null, -3}), "{\"a\": [1, \"ž\"]}", words), 1);
            same(change(c, "INSERT INTO things (user_id, thing_no) VALUES (?, 2)", user), 1);
        }
        for (int round = 0; round < 3; ++round) {  // in text first, then in binary
            for (String where : List.of("user_id = " + low(5), "user_id = " + high(5), "user_id IN (" + low(5) + ", " + high(5) + ")")) {
                try (PreparedStatement p = bound(c, "SELECT * FROM things WHERE " + where + " ORDER BY user_id, thing_no");
                     ResultSet r = p.executeQuery()) {
                    int count = 0;
                    for (; r.next(); ++count) {
                        check(where.contains(r.getString("user_id")), "another user's row");
                        if (r.getInt("thing_no") == 2) {
                            for (int i = 3; i <= 8; ++i) check(r.getObject(i) == null, "not NULL");
                            continue;
                        }
                        same(r.getBigDecimal("amount"), amount);
                        same(r.getObject("at", OffsetDateTime.class).toInstant(), at.toInstant());
                        check(Arrays.equals(r.getBytes("raw"), raw), "other bytes");
                        same(Arrays.asList((Integer[]) r.getArray("list").getArray()), Arrays.asList(1, null, -3));
                        same(r.getString("doc"), "{\"a\": [1, \"ž\"]}");
                        same(r.getString("words"), words);
                    }
                    same(count, where.contains("IN") ? 4 : 2);
                }
            }
        }
        clear(c, "things", "", low(5), high(5));
    }

    static Void busy(int number) throws Exception {
        try (Connection c = open()) {
            for (int i = 0; i < 200; ++i) {
                long user = either(number * 7L + i);
                if (i % 10 == 9) {
                    same(ask(c, "UPDATE accounts SET balance = balance + 1 WHERE user_id = ? RETURNING user_id", user), List.of("" + user));
                } else {
                    same(ask(c, WHO, user), rows(user));
                }
            }
        }
        return null;
    }

    public static void main(String[] args) {
        step("connect", c -> {
            same(ask(c, "SELECT current_database()"), List.of("shop"));
            refused("28P01", false, () -> open("password", "wrong"));
        });
        step("crud", c -> {
            for (long user : new long[] {low(SCRATCH), high(SCRATCH)}) {
                same(change(c, "INSERT INTO users (user_id, name) VALUES (?, ?)", user, "new"), 1);
                same(change(c, "UPDATE users SET name = ? WHERE user_id = ?", "newer", user), 1);
                same(ask(c, WHO, user), List.of(user + "|newer|null"));
                same(ask(c, "DELETE FROM users WHERE user_id = ? RETURNING user_id", user), List.of("" + user));
                same(ask(c, WHO, user), List.of());
            }
        });
        step("in_two_shards", c -> {
            same(ask(c, ROW + "user_id IN (?, ?, ?) ORDER BY user_id", high(3), low(0), low(7)), rows(low(0), low(7), high(3)));
            same(ask(c, ROW + "user_id = ANY(?) ORDER BY user_id", c.createArrayOf("int8", new Long[] {high(3), low(0)})),
                rows(low(0), high(3)));
        });
        step("gather_order", c -> same(ask(c, ROW + "age >= ? ORDER BY age, user_id LIMIT ?", 0, 20),
            rows(LongStream.of(everyone()).boxed().sorted(Comparator.comparing((Long u) -> u % 100).thenComparing(u -> u)).limit(20)
                .mapToLong(u -> u).toArray())));
        step("aggregate", c -> {
            long[] users = everyone();
            long sum = LongStream.of(users).map(u -> u * 7919 + 13).sum();
            same(ask(c, "SELECT count(*), sum(checksum), min(user_id), max(user_id) FROM users WHERE age >= 0"),
                List.of(users.length + "|" + sum + "|" + users[0] + "|" + users[users.length - 1]));
            same(ask(c, "SELECT age, count(*) FROM users WHERE age >= ? GROUP BY age ORDER BY age LIMIT 1", 0),
                List.of("0|" + users.length / FIXTURES));
        });
        step("insert_split", c -> {
            same(change(c, "INSERT INTO users (name, user_id) VALUES ('s', ?), ('s', ?), ('s', ?)", high(51), low(51), low(52)), 3);
            same(ask(c, "SELECT user_id FROM users WHERE user_id IN (?, ?, ?) AND name = 's' ORDER BY 1", low(51), low(52), high(51)),
                List.of("" + low(51), "" + low(52), "" + high(51)));
            same(change(c, "DELETE FROM users WHERE user_id IN (?, ?, ?)", low(51), low(52), high(51)), 3);
        });
        step("transaction", c -> {
            c.setAutoCommit(false);
            same(change(c, ADD, low(1)), 1);
            c.rollback();
            same(change(c, ADD, low(1)), 1);
            c.commit();
            same(ask(c, "SELECT balance FROM accounts WHERE user_id = ?", low(1)), List.of("5"));
        });
        step("read_first", c -> {
            c.setAutoCommit(false);
            for (long user : new long[] {low(9), high(9)}) {
                for (String before : new String[] {"SELECT 1 WHERE false", "SELECT title FROM countries", null}) {
                    if (before != null) same(ask(c, before), List.of());
                    same(ask(c, WHO, user), rows(user));
                    same(change(c, "UPDATE accounts SET balance = balance + 1 WHERE user_id = ?", user), 1);
                    c.commit();
                }
                same(ask(c, "SELECT balance FROM accounts WHERE user_id = ?", user), List.of("3"));
                c.commit();
            }
        });
        step("multi_shard", c -> {
            c.setAutoCommit(false);
            same(change(c, ADD, low(2)), 1);
            refused("0A000", true, () -> change(c, ADD, high(2)));
            c.rollback();
            set(c, "SET domicile.multi_shard = on");
            c.commit();
            for (boolean commit : new boolean[] {false, true}) {
                same(change(c, ADD, low(2)), 1);
                same(change(c, ADD, high(2)), 1);
                if (commit) c.commit(); else c.rollback();
            }
            same(ask(c, "SELECT balance FROM accounts WHERE user_id IN (?, ?)", low(2), high(2)), List.of("5", "5"));
        });
        step("refused_abroad", c -> {
            refused("42501", true, () -> ask(c, WHO, STRANGER));
            refused("42501", true, () -> change(c, "INSERT INTO users (user_id) VALUES (?)", STRANGER));
            same(ask(c, WHO, low(0)), rows(low(0)));
        });
        step("refused_range", c -> {
            refused("22003", false, () -> ask(c, WHO, NOBODY));
            same(ask(c, WHO, high(0)), rows(high(0)));
        });
        step("prepared", c -> {
            try (PreparedStatement p = c.prepareStatement(WHO)) {
                for (int i = 0; i < 50; ++i) {
                    p.setLong(1, either(i));
                    same(read(p.executeQuery()), rows(either(i)));
                }
            }
        }, "prepareThreshold", "1");
        step("batch_of_one_shard", c -> batch(c, i -> high(i % FIXTURES)));
        step("pipeline", c -> batch(c, ClientJdbc::either));
        step("copy_in", c -> {
            long[] users = LongStream.range(0, 40).map(i -> either(i) + SCRATCH + 10).toArray();
            String lines = LongStream.of(users).mapToObj(u -> u + "\tc" + u + "\t-1\n").collect(Collectors.joining());
            Object array = c.createArrayOf("int8", LongStream.of(users).boxed().toArray());
            var copy = c.unwrap(PGConnection.class).getCopyAPI();
            String sql = "COPY users (user_id, name, age) FROM STDIN";
            for (String[] bad : new String[][] {{"x", "22023"}, {"" + low(0), "23505"}, {"" + STRANGER, "42501"}}) {
                refused(bad[1], false, () -> copy.copyIn(sql, new StringReader(lines + bad[0] + "\tbad\t-1\n")));
                same(ask(c, "SELECT count(*) FROM users WHERE user_id = ANY(?)", array), List.of("0"));
            }
            same(copy.copyIn(sql, new StringReader(lines)), 40L);
            clear(c, "users", "", users);
        });
        step("copy_out", c -> {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            c.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY (" + ALL + ") TO STDOUT", out);
            same(out.toString(StandardCharsets.UTF_8), rows(everyone()).stream().map(r -> r.replace('|', '\t') + "\n")
                .collect(Collectors.joining()));
        });
        step("cursor", c -> {
            c.setAutoCommit(false);
            for (String one : new String[] {"SELECT generate_series(1, 3)", "SELECT order_no FROM orders WHERE user_id = " + low(4) + " ORDER BY 1"}) {
                try (PreparedStatement p = c.prepareStatement(one)) {
                    p.setFetchSize(2);
                    same(read(p.executeQuery()), List.of("1", "2", "3"));
                }
                c.commit();
            }
            for (int size : new int[] {1, 37, 1000}) {
                try (PreparedStatement p = c.prepareStatement(ALL)) {
                    p.setFetchSize(size);
                    same(read(p.executeQuery()), rows(everyone()));
                }
                c.commit();
            }
            try (PreparedStatement p = c.prepareStatement(ALL); PreparedStatement q = c.prepareStatement(WHO)) {
                p.setFetchSize(10);
                ResultSet r = p.executeQuery();
                for (int i = 0; i < 15; ++i) check(r.next() && r.getLong(1) == everyone()[i], "row " + i);
                q.setLong(1, low(1));  // beside the open one
                same(read(q.executeQuery()), rows(low(1)));
                r.close();
            }
            c.rollback();
            same(ask(c, WHO, high(1)), rows(high(1)));
        });
        step("cancel", c -> {
            cancel(c, "SELECT pg_sleep(8)");
            cancel(c, "SELECT pg_sleep(8) FROM users WHERE user_id = ?", high(0));
        });
        step("recovery", c -> {
            refused("23505", false, () -> change(c, "INSERT INTO users (user_id) VALUES (?)", high(0)));
            same(ask(c, WHO, high(0)), rows(high(0)));
            c.setAutoCommit(false);
            same(ask(c, WHO, high(0)), rows(high(0)));
            Savepoint here = c.setSavepoint();
            refused("23505", false, () -> change(c, "INSERT INTO users (user_id) VALUES (?)", high(0)));
            refused("25P02", false, () -> ask(c, WHO, high(0)));
            c.rollback(here);
            same(ask(c, WHO, high(1)), rows(high(1)));
            c.commit();
        });
        step("types", ClientJdbc::types, "prepareThreshold", "1");
        step("megabyte", c -> {
            for (long user : new long[] {low(6), high(6)}) {
                String note = user + " " + "ž".repeat(NOTE);
                same(change(c, "INSERT INTO orders (user_id, order_no, note) VALUES (?, 9, ?)", user, note), 1);
                same(ask(c, "SELECT note FROM orders WHERE user_id = ? AND order_no = 9", user), List.of(note));
            }
            clear(c, "orders", " AND order_no = 9", low(6), high(6));
        });
        step("concurrent", c -> {
            ExecutorService threads = Executors.newFixedThreadPool(8);
            List<Callable<Void>> work = IntStream.range(0, 8).mapToObj(n -> (Callable<Void>) () -> busy(n)).collect(Collectors.toList());
            try {
                for (Future<Void> one : threads.invokeAll(work)) one.get();
            } finally {
                threads.shutdownNow();
            }
        });
        step("generated_keys", c -> {
            try (PreparedStatement p = c.prepareStatement("INSERT INTO users (user_id, name) VALUES (?, 'g')", new String[] {"user_id", "country"})) {
                for (long user : new long[] {low(53), high(53)}) {
                    p.setLong(1, user);
                    same(p.executeUpdate(), 1);
                    same(read(p.getGeneratedKeys()), List.of(user + "|DE"));
                    same(change(c, "DELETE FROM users WHERE user_id = ?", user), 1);
                }
            }
        });
        step("isolation", c -> {
            c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            same(c.getTransactionIsolation(), Connection.TRANSACTION_SERIALIZABLE);
            c.setAutoCommit(false);
            same(ask(c, WHO, high(0)), rows(high(0)));
            same(ask(c, "SHOW transaction_isolation"), List.of("serializable"));
            c.commit();
        });
        step("read_only", c -> {
            c.setReadOnly(true);
            c.setAutoCommit(false);
            same(ask(c, WHO, low(0)), rows(low(0)));
            refused("25006", false, () -> change(c, ADD, low(0)));
            c.rollback();
        });
        step("rewritten_batch", c -> {
            try (PreparedStatement p = c.prepareStatement("INSERT INTO accounts (user_id) VALUES (?)")) {
                for (long user : new long[] {low(54), low(55), high(54), high(55)}) {
                    p.setLong(1, user);
                    p.addBatch();
                }
                p.executeBatch();
            }
            clear(c, "accounts", "", low(54), low(55), high(54), high(55));
        }, "reWriteBatchedInserts", "true");
        step("metadata", c -> {
            DatabaseMetaData m = c.getMetaData();
            same(read(m.getColumns(null, "public", "users", null)).size(), 5);
            check(read(m.getTables(null, "public", "%", new String[] {"TABLE"})).size() >= 5, "tables");
            check(read(m.getPrimaryKeys(null, "public", "orders")).size() == 2, "keys");
            check(m.getDatabaseProductVersion().startsWith("15"), m.getDatabaseProductVersion());
        });
        System.exit(0);
    }
}

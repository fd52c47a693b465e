// Eight things that applications do with pgjdbc; each prints "pass NAME" or "fail NAME: why". usage: ProbeJdbc URL USER
import java.io.StringReader;
import java.sql.*;
import java.util.Properties;
import org.postgresql.PGConnection;

public class ProbeJdbc {
    interface Step { void run(Connection c) throws Exception; }
    static String url;
    static Properties login = new Properties();

    static void check(boolean good, String what) {
        if (!good) throw new IllegalStateException(what);
    }

    static void step(String name, Step step) {
        try (Connection c = DriverManager.getConnection(url, login)) {
            step.run(c);
            System.out.println("pass " + name);
        } catch (Exception e) {
            System.out.println("fail " + name + ": " + e.toString().replace('\n', ' '));
        }
    }

    static long count(Connection c) throws SQLException {
        try (ResultSet r = c.createStatement().executeQuery("SELECT count(*) FROM probe")) {
            r.next();
            return r.getLong(1);
        }
    }

    public static void main(String[] args) throws Exception {
        url = args[0];
        login.setProperty("user", args[1]);
        login.setProperty("password", System.getenv("PGPASSWORD"));
        step("ddl", c -> c.createStatement().execute(
            "DROP TABLE IF EXISTS probe; CREATE TABLE probe (id int PRIMARY KEY, note text)"));
        step("batch", c -> {
            PreparedStatement p = c.prepareStatement("INSERT INTO probe VALUES (?, ?)");
            for (int i = 0; i < 1000; ++i) {
                p.setInt(1, i);
                p.setString(2, "note " + i);
                p.addBatch();
            }
            check(p.executeBatch().length == 1000 && count(c) == 1000, "1000 rows");
        });
        step("cursor", c -> {
            c.setAutoCommit(false);
            Statement s = c.createStatement();
            s.setFetchSize(37);
            ResultSet r = s.executeQuery("SELECT id FROM probe ORDER BY id");
            int n = 0;
            while (r.next()) check(r.getInt(1) == n++, "in order");
            check(n == 1000, "1000 rows, got " + n);
            c.commit();
        });
        step("server_prepare", c -> {
            PreparedStatement p = c.prepareStatement("SELECT note FROM probe WHERE id = ?");
            for (int i = 0; i < 20; ++i) {
                p.setInt(1, i);
                ResultSet r = p.executeQuery();
                check(r.next() && r.getString(1).equals("note " + i), "row " + i);
            }
        });
        step("savepoint", c -> {
            c.setAutoCommit(false);
            Savepoint here = c.setSavepoint();
            try {
                c.createStatement().execute("INSERT INTO probe VALUES (1, 'twice')");
                check(false, "the second row 1 was taken");
            } catch (SQLException e) {
                check("23505".equals(e.getSQLState()), e.toString());
            }
            c.rollback(here);
            c.createStatement().execute("INSERT INTO probe VALUES (1000, 'once')");
            c.commit();
            check(count(c) == 1001, "1001 rows");
        });
        step("copy", c -> {
            long rows = c.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY probe FROM STDIN",
                new StringReader("2000\ta\n2001\tb\n"));
            check(rows == 2, "2 rows, got " + rows);
        });
        step("metadata", c -> {
            ResultSet r = c.getMetaData().getColumns(null, "public", "probe", null);
            int n = 0;
            while (r.next()) ++n;
            check(n == 2, "2 columns, got " + n);
        });
        step("cancel", c -> {
            Statement s = c.createStatement();
            new Thread(() -> {
                try {
                    Thread.sleep(500);
                    s.cancel();
                } catch (Exception e) {
                    System.err.println(e);
                }
            }).start();
            long start = System.nanoTime();
            try {
                s.execute("SELECT pg_sleep(8)");
                check(false, "not cancelled");
            } catch (SQLException e) {
                check("57014".equals(e.getSQLState()), e.toString());
            }
            check(System.nanoTime() - start < 4_000_000_000L, "cancelled late");
        });
    }
}

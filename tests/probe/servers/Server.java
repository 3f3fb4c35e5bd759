import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A TLS server on JSSE: PORT KEYSTORE AUTHORITY WANTS_CLIENT. It shakes hands and closes. */
public final class Server {
    public static void main(String[] arguments) throws Exception {
        char[] password = "changeit".toCharArray();
        KeyStore keys = KeyStore.getInstance("PKCS12");
        try (InputStream file = new FileInputStream(arguments[1])) {
            keys.load(file, password);
        }
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream file = new FileInputStream(arguments[2])) {
            trusted.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
        own.init(keys, password);
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
        InetAddress address = InetAddress.getByName("127.0.0.1");
        SSLServerSocket server =
            (SSLServerSocket) context.getServerSocketFactory().createServerSocket(Integer.parseInt(arguments[0]), 50, address);
        server.setNeedClientAuth(Boolean.parseBoolean(arguments[3]));
        while (true) {
            SSLSocket socket = (SSLSocket) server.accept();
            new Thread(() -> {
                try (socket) {
                    socket.setSoTimeout(5_000);
                    socket.startHandshake();
                    socket.getInputStream().read();
                } catch (Exception expected) {
                    // What a client does wrong is what the tests are about.
                }
            }).start();
        }
    }
}

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/**
 * Both ends of JSSE, as its argument names the folder of the certificates. A line of standard input is a request, the next
 * line of standard output its answer; it ends with its input.
 *
 * <pre>
 * serve CHAIN VERSIONS CLIENTS     a server; with CLIENTS, certificates of that CA are demanded. Answers its port.
 * connect HOST PORT TRUSTED OWN VERSIONS SNI   a handshake as a Message Processor. Answers how it ended.
 * </pre>
 */
public final class Peers {
    private static Path folder;

    public static void main(String[] arguments) throws Exception {
        folder = Path.of(arguments[0]);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            try {
                System.out.println(words[0].equals("serve") ? serve(words) : connect(words));
            } catch (Exception fault) {
                System.out.println("fault: " + fault);
            }
        }
        System.exit(0);
    }

    private static int serve(String[] words) throws Exception {
        SSLContext context = context(words[1], words[3]);
        SSLServerSocket server =
            (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
        server.setEnabledProtocols(words[2].split(","));
        server.setNeedClientAuth(!words[3].equals("-"));
        Thread accepting = new Thread(() -> {
            while (true) {
                try {
                    SSLSocket socket = (SSLSocket) server.accept();
                    new Thread(() -> answer(socket)).start();
                } catch (IOException ended) {
                    return;
                }
            }
        });
        accepting.setDaemon(true);
        accepting.start();
        return server.getLocalPort();
    }

    private static void answer(SSLSocket socket) {
        try (socket) {
            socket.setSoTimeout(10_000);
            if (socket.getInputStream().read() >= 0) {
                socket.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".getBytes());
            }
        } catch (IOException refused) {
            // What a client does wrong is what the tests are about.
        }
    }

    private static String connect(String[] words) throws Exception {
        int port = Integer.parseInt(words[2]);
        SSLContext context = context(words[4], words[3]);
        try (Socket raw = new Socket("127.0.0.1", port);
            SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(raw, words[1], port, true)) {
            socket.setSoTimeout(10_000);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            if (!words[5].equals("-")) {
                parameters.setProtocols(words[5].split(","));
            }
            if (words[6].equals("off")) {
                parameters.setServerNames(List.of());
            }
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            // With TLS 1.3, a server refuses client certificates after the client believes that it is done.
            socket.getOutputStream().write("HEAD / HTTP/1.0\r\n\r\n".getBytes());
            socket.getInputStream().read();
            return "ok " + socket.getSession().getProtocol();
        } catch (IOException failed) {
            return String.valueOf(failed.getMessage()).replace('\n', ' ');
        }
    }

    private static SSLContext context(String own, String trusted) throws Exception {
        KeyManager[] keys = null;
        if (!own.equals("-")) {
            KeyStore store = empty();
            store.setKeyEntry("own", key(), new char[0], certificates(own));
            KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
            factory.init(store, new char[0]);
            keys = factory.getKeyManagers();
        }
        KeyStore store = empty();
        if (!trusted.equals("-")) {
            int number = 0;
            for (Certificate certificate : certificates(trusted)) {
                store.setCertificateEntry("trusted-" + number++, certificate);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, trust.getTrustManagers(), null);
        return context;
    }

    private static KeyStore empty() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static PrivateKey key() throws Exception {
        String text = Files.readString(folder.resolve("key.pem")).replaceAll("-----[A-Z ]+-----|\\s", "");
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
    }

    private static Certificate[] certificates(String name) throws Exception {
        try (FileInputStream file = new FileInputStream(folder.resolve(name + ".pem").toFile())) {
            return CertificateFactory.getInstance("X.509").generateCertificates(file).toArray(new Certificate[0]);
        }
    }
}

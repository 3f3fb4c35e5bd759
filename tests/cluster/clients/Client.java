import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * One HTTPS request as a Java client makes it: ADDRESS PORT SERVER_NAME HOST. Prints the status line. JSSE sends the server
 * name unless -Djsse.enableSNIExtension=false says otherwise.
 */
public final class Client {
    public static void main(String[] arguments) throws Exception {
        // What is tested is the handshake's first message, not the certificate.
        TrustManager trusting = new X509TrustManager() {
            public void checkClientTrusted(X509Certificate[] chain, String type) {}
            public void checkServerTrusted(X509Certificate[] chain, String type) {}
            public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
        };
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {trusting}, new SecureRandom());
        try (Socket plain = new Socket(arguments[0], Integer.parseInt(arguments[1]));
             SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(plain, arguments[2], plain.getPort(), true)) {
            socket.setSoTimeout(10_000);
            String request = "GET /hello HTTP/1.1\r\nHost: " + arguments[3] + "\r\nUser-Agent: java\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            System.out.println(new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII)).readLine());
        }
    }
}

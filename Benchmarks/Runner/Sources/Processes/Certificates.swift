internal import Foundation

/// An authority and a server's certificate, made for this run.
struct Certificates {
    let authority, certificate, key: String

    /// - Throws: ``Failure`` when there is no `openssl`, or it fails.
    init(folder: URL) throws {
        func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
        guard let openssl = Child.find("openssl") else { throw Failure("openssl is not in PATH") }
        func run(_ arguments: String) throws {
            let words = arguments.split(separator: " ").map { word in
                // What begins with @ is a file of the folder.
                word.hasPrefix("@") ? path(String(word.dropFirst())) : String(word)
            }
            _ = try Child.run(openssl, words, folder: folder)
        }
        (authority, certificate, key) = (path("ca.pem"), path("cert.pem"), path("key.pem"))
        let extensions = """
            subjectAltName=DNS:localhost,IP:127.0.0.1
            basicConstraints=critical,CA:FALSE
            keyUsage=critical,digitalSignature

            """
        try Data(extensions.utf8).write(to: folder.appendingPathComponent("extensions"))
        try run("ecparam -name prime256v1 -genkey -noout -out @ca-key.pem")
        try run(
            "req -x509 -new -key @ca-key.pem -subj /CN=Benchmarks -days 2 -addext keyUsage=critical,keyCertSign,cRLSign "
                + "-out @ca.pem")
        try run("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out @key.pem")
        try run("req -new -key @key.pem -subj /CN=localhost -out @request.pem")
        try run(
            "x509 -req -in @request.pem -CA @ca.pem -CAkey @ca-key.pem -CAcreateserial -days 2 -extfile @extensions "
                + "-out @cert.pem")
    }
}

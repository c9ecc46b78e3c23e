private import COpenSSL

// Unsafe: OpenSSL's context is an address that this class owns and frees.

/// SHA-256 of bytes that come piece by piece.
@safe package final class SHA256 {
  private let context = unsafe EVP_MD_CTX_new()

  package init() { unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) }

  deinit { unsafe EVP_MD_CTX_free(context) }

  /// Takes the next bytes.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    _ = unsafe EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
  }

  /// The digest of all bytes taken, 64 hexadecimal digits; no more can be taken after it.
  package func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    unsafe EVP_DigestFinal_ex(context, &digest, nil)
    return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The digest of a file.
  ///
  /// Reads the file a piece at a time, and gives each back: it may be larger than memory.
  package static func digest(of file: MappedFile) -> String {
    let piece = 1 << 24
    let hash = SHA256()
    for first in stride(from: 0, to: file.count, by: piece) {
      let range = first..<min(first + piece, file.count)
      unsafe file.withBytes { unsafe hash.update(UnsafeRawBufferPointer(rebasing: $0[range])) }
      file.release(range)
    }
    return hash.finish()
  }
}

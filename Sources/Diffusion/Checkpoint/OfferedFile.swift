private import Foundation
package import TensorEngine

// Unsafe: a mapped file lends its bytes by address, of which a few are copied.

/// A file that is offered as weights: what its first bytes say that it is.
///
/// A download that went wrong leaves something else under the name of the weights: the page of a server that
/// wants a log-in, the pointer of Git LFS, a part of the file. Formats of other programs share the shelves.
///
/// - Reference: the magic numbers of each format; git-lfs `docs/spec.md`; ggml `docs/gguf.md`; PyTorch
///   `torch/serialization.py`.
package enum OfferedFile {
  /// Opens a file of weights.
  /// - Throws: ``DiffusionError/wrongFile(path:what:advice:)`` that says what the file is, `FileError` for
  ///   one that is missing, damaged or not whole.
  package static func safetensors(_ path: String) throws -> SafetensorsFile {
    let head = try head(of: path)
    if let (what, advice) = otherFormat(head) {
      throw DiffusionError.wrongFile(path: path, what: what, advice: advice)
    }
    if isPickle(head, path) { throw PickledFile.refusal(path) }
    do {
      return try SafetensorsFile(path: path)
    } catch let error as FileError where error.kind == .malformed && isUnfinished(path) {
      throw DiffusionError.wrongFile(
        path: path, what: "a download that has not ended, by its name and its size", advice: again)
    }
  }

  /// Whether a file's name is one that programs give to a download until it has ended.
  static func isUnfinished(_ name: String) -> Bool {
    [
      ".incomplete", ".part", ".partial", ".filepart", ".crdownload", ".download", ".aria2", ".tmp",
    ].contains { name.lowercased().hasSuffix($0) }
  }

  /// What to do about a file that is not whole.
  static let again = "let the download end, or fetch the file again"

  private static let headSize = 512

  private static func head(of path: String) throws -> [UInt8] {
    do {
      let file = try MappedFile(path: path)
      return unsafe file.withBytes { unsafe [UInt8]($0.prefix(headSize)) }
    } catch let error as FileError where error.kind == .malformed {
      throw DiffusionError.wrongFile(path: path, what: "an empty file", advice: again)
    }
  }
}

// MARK: - Formats

extension OfferedFile {
  private static let convert = "Heed reads safetensors: take the model in that format"
  private static let archive = "unpack it, and give the safetensors file or the folder in it"
  private static let picture = "give it as a picture; weights are safetensors files"

  /// Formats by what a file begins with.
  private static let beginnings: [(bytes: [UInt8], what: String, advice: String)] = [
    (Array("GGUF".utf8), "GGUF, quantised weights of llama.cpp and its kin", convert),
    (Array("lmgg".utf8), "GGML, quantised weights of llama.cpp and its kin", convert),
    (Array("tjgg".utf8), "GGML, quantised weights of llama.cpp and its kin", convert),
    ([0x89] + Array("HDF\r\n".utf8), "HDF5, as Keras writes weights", convert),
    ([0x93] + Array("NUMPY".utf8), "an array of NumPy", convert),
    ([0x1F, 0x8B], "an archive compressed by gzip", archive),
    ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "a 7z archive", archive),
    (Array("Rar!".utf8), "a RAR archive", archive),
    ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "an archive compressed by xz", archive),
    ([0x28, 0xB5, 0x2F, 0xFD], "an archive compressed by zstd", archive),
    (Array("BZh".utf8), "an archive compressed by bzip2", archive),
    ([0x89] + Array("PNG\r\n".utf8), "a PNG picture", picture),
    ([0xFF, 0xD8, 0xFF], "a JPEG picture", picture),
    (Array("GIF8".utf8), "a GIF picture", picture),
    (Array("%PDF".utf8), "a PDF document", "weights are safetensors files"),
  ]

  /// What a file is, and what to do, when it begins as no safetensors file does.
  private static func otherFormat(_ head: [UInt8]) -> (what: String, advice: String)? {
    if let known = beginnings.first(where: { head.starts(with: $0.bytes) }) {
      return (known.what, known.advice)
    }
    if head.starts(with: Array("PK\u{3}\u{4}".utf8)), !contains(head, "data.pkl") {
      return ("a zip archive", archive)
    }
    // ONNX is a message of protobuf: its version, then the name of the program that wrote it.
    if head.count > 3, head[0] == 0x08, (1...20).contains(head[1]), head[2] == 0x12 {
      return ("an ONNX model", convert)
    }
    if head.count >= 16, head.allSatisfy({ $0 == 0 }) {
      return ("a file of zeros, as a download leaves before it begins to write", again)
    }
    return text(head)
  }

  /// Whether torch pickled the file, alone or in a zip archive; or it is named so and is no safetensors file.
  private static func isPickle(_ head: [UInt8], _ path: String) -> Bool {
    guard head.count > 1 else { return PickledFile.isOne(path) }
    if head[0] == 0x80, (2...5).contains(head[1]), head.count < 8 || head[4..<8] != [0, 0, 0, 0] {
      return true
    }
    if head.starts(with: Array("PK".utf8)) { return true }
    return PickledFile.isOne(path) && (head.count < 8 || head[4..<8] != [0, 0, 0, 0])
  }

  private static func contains(_ head: [UInt8], _ word: String) -> Bool {
    String(decoding: head, as: UTF8.self).contains(word)
  }

  /// What a file of text is; a safetensors file begins with a number whose upper bytes are zero.
  private static func text(_ head: [UInt8]) -> (what: String, advice: String)? {
    let isText = head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || [0x09, 0x0A, 0x0D].contains($0) }
    guard head.count >= 2, isText else { return nil }
    let text = String(decoding: head, as: UTF8.self)
      .trimmingCharacters(in: .whitespacesAndNewlines.union(CharacterSet(charactersIn: "\u{FEFF}")))
    if text.hasPrefix("version https://git-lfs") {
      let size = text.split(separator: "\n").first { $0.hasPrefix("size ") }?.dropFirst(5)
      return (
        "a Git LFS pointer, which stands for the file" + (size.map { " of \($0) bytes" } ?? ""),
        "fetch the file itself: git lfs pull, or download it again"
      )
    }
    let start = text.prefix(64).lowercased()
    if ["<!doctype", "<html", "<head", "<?xml", "<body", "<script", "<!--"].contains(
      where: start.hasPrefix)
    {
      return (
        "a web page, as a server sends for a link to the page about a file, or where it wants a log-in",
        "download the file itself"
      )
    }
    if start.hasPrefix("{") || start.hasPrefix("[") {
      return (
        "JSON and no weights, which begins \(FileError.quoted(String(text.prefix(60))))",
        "give the safetensors file, or the folder of the checkpoint"
      )
    }
    return (
      "text and no weights, which begins \(FileError.quoted(String(text.prefix(60))))",
      "give a safetensors file"
    )
  }
}

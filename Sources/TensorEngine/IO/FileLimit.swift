private import Synchronization

/// The most that a file may ask for before it is refused, so that a file from a stranger cannot take the
/// machine's memory or time.
///
/// Each is far beyond the files that are known. Where one is larger all the same, `HEED_LIMITS` allows more,
/// as in `HEED_LIMITS=chunk=4G,tensors=2000000`.
package enum FileLimit: String, CaseIterable, Sendable {
  /// Bytes of the header of a safetensors file.
  case header
  /// Tensors of a safetensors file.
  case tensors
  /// Members of a zip archive.
  case members
  /// Bytes of all members of a zip archive, once they are inflated.
  case inflated
  /// Bytes of a document in JSON.
  case document
  /// Values of a document in JSON, keys not counted.
  case values
  /// Bytes of a run's `run.json`, of a line of its `calls.jsonl`, of its store's `zarr.json`, of an export's
  /// `SHA256SUMS`, and of a tokenizer's merges.
  case description
  /// Bytes of a chunk of a recording.
  case chunk
  /// Pixels of a picture.
  case pixels
  /// Bytes of a prompt, and of every other text that a command is given; a name, a word and a token's piece
  /// of a run may have a 64th of them.
  case prompt
  /// Bytes of a document in YAML; it may hold a value for each hundred.
  case yaml
  /// Bytes of a file of relations of words.
  case relations

  /// What is allowed unless `HEED_LIMITS` says otherwise.
  package var standard: Int {
    switch self {
    case .header: 100_000_000
    case .tensors: 1_000_000
    case .members: 65_536
    case .inflated: 8 << 30
    case .document: 256 << 20
    case .values: 1_000_000
    case .description: 16 << 20
    case .chunk: 1 << 30
    case .pixels: 100_000_000
    case .prompt: 64 << 10
    case .yaml: 1 << 20
    case .relations: 1 << 20
    }
  }

  /// What was chosen instead.
  private static let chosen = Mutex<[FileLimit: Int]>([:])

  /// What is allowed in this process.
  package var value: Int { Self.chosen.withLock { $0[self] } ?? standard }

  /// What is wrong with the length of a text that a command is given; `nil` if nothing is.
  package static func excess(ofPrompt text: String) -> String? {
    let count = text.utf8.count
    guard count > prompt.value else { return nil }
    return "expected a text of at most \(prompt.value) bytes, got \(count)" + prompt.advice
  }

  /// Bytes of a name, a word or a token's piece of a run.
  package static var nameBytes: Int { max(prompt.value / 64, 1) }

  /// Refuses a file of more bytes.
  /// - Parameters:
  ///   - kind: what the file is, as in `a JSON document`; `nil` where its path says it.
  ///   - most: how many bytes are allowed; ``value`` unless another number is given.
  /// - Throws: ``FileError``.
  package func require(_ file: MappedFile, as kind: String? = nil, atMost most: Int? = nil) throws {
    let most = most ?? value
    guard file.count > most else { return }
    throw FileError(
      .malformed, path: file.path,
      reason: "expected \(kind.map { $0 + " of " } ?? "")at most \(most) bytes, got \(file.count)"
        + advice)
  }

  /// The end of a message about a file that has more.
  package var advice: String { "; HEED_LIMITS=\(rawValue)=… allows more" }

  /// Allows what `text` says, as in `chunk=4G,tensors=2000000`; K, M and G stand for powers of 1024.
  /// - Returns: What is wrong with the text; `nil` if nothing is, and only then anything is allowed.
  package static func allow(_ text: String) -> String? {
    var limits: [FileLimit: Int] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, let limit = FileLimit(rawValue: String(sides[0])) else {
        let names = allCases.map(\.rawValue).joined(separator: ", ")
        return "'\(part)' is none of \(names) with a number, as in chunk=4G"
      }
      guard let number = number(sides[1]) else {
        return "'\(sides[1])' is no number of 1 or more, as in 2000000 or 4G"
      }
      limits[limit] = number
    }
    chosen.withLock { $0.merge(limits) { $1 } }
    return nil
  }

  private static func number(_ text: Substring) -> Int? {
    let powers: [Character: Int] = ["K": 10, "M": 20, "G": 30]
    let power = text.last.flatMap { powers[$0] }
    guard let number = Int(power == nil ? text : text.dropLast()), number > 0 else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: 1 << (power ?? 0))
    return overflow ? nil : product
  }
}

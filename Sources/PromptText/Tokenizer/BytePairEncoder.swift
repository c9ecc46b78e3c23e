internal import Synchronization
internal import TensorEngine

/// Byte-pair encoding: the bytes of a word, merged pair by pair in the order of the merge rules.
///
/// Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL
/// 2016; on bytes as in GPT-2. A word's last symbol carries `</w>`. A byte whose symbol is not in
/// the vocabulary becomes the unknown token, one for each byte.
final class BytePairEncoder: Sendable {
  /// A token and the number of the word's bytes that it covers.
  struct Symbol: Hashable, Sendable {
    var id: Int32
    var length: Int32
  }

  /// What a pair of symbols becomes, and how early.
  private struct Merge {
    let rank: Int32
    let id: Int32
  }

  /// Words kept; prompts repeat theirs.
  private static let cacheCapacity = 1 << 15
  /// Longer words are not worth keeping.
  private static let cachedLength = 64

  private let merges: [UInt64: Merge]
  private let inner: [Int32]
  private let final: [Int32]
  private let cache = Mutex<[[UInt8]: [Symbol]]>([:])

  /// Prepares the encoder; bytes that the vocabulary lacks become `unknown`.
  /// - Throws: `FileError` for a merge whose halves or whole are not in the vocabulary.
  init(vocabulary: Vocabulary, rules: MergeRules, unknown: Int) throws {
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(rules.pairs.count)
    var last = -1
    for (rank, (left, right)) in rules.pairs.enumerated() {
      func id(_ piece: String, isAfterLast: Bool = false) throws -> Int {
        if isAfterLast, vocabulary.has(piece, at: last + 1) { return last + 1 }
        if let id = vocabulary.id(of: piece) { return id }
        throw FileError(
          .malformed, path: rules.path, subject: "merge \(rank + 1)",
          reason: "the piece \(FileError.quoted(piece)) is not in the vocabulary")
      }
      let pair = Self.key(Int32(try id(left)), Int32(try id(right)))
      // Vocabularies list what merges make in the merges' order.
      last = try id(left + right, isAfterLast: true)
      merges[pair] = Merge(rank: Int32(rank), id: Int32(last))
    }
    self.merges = merges
    let bytes = ByteAlphabet.characters.map { String(Character($0)) }
    inner = bytes.map { Int32(vocabulary.id(of: $0) ?? unknown) }
    final = bytes.map { Int32(vocabulary.id(of: $0 + "</w>") ?? unknown) }
  }

  /// The tokens of a word given as UTF-8; their lengths add up to the word's.
  func encode(_ word: [UInt8]) -> [Symbol] {
    guard word.count <= Self.cachedLength else { return merge(word) }
    if let known = cache.withLock({ $0[word] }) { return known }
    let symbols = merge(word)
    cache.withLock {
      if $0.count >= Self.cacheCapacity { $0.removeAll(keepingCapacity: true) }
      $0[word] = symbols
    }
    return symbols
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// A pair that may be merged: where its left symbol stands, and into what.
  private struct Candidate: Comparable {
    let rank: Int32
    let position: Int32
    let id: Int32

    static func < (left: Candidate, right: Candidate) -> Bool {
      (left.rank, left.position) < (right.rank, right.position)
    }
  }

  /// Merges the lowest rank first, the leftmost among equals; a word of n bytes takes n log n.
  private func merge(_ word: [UInt8]) -> [Symbol] {
    var symbols = word.map { Symbol(id: inner[Int($0)], length: 1) }
    guard let last = word.last else { return [] }
    symbols[word.count - 1].id = final[Int(last)]
    var next = (1...word.count).map(Int32.init)
    var previous = (-1..<word.count - 1).map(Int32.init)
    var queue = MinimumHeap<Candidate>()

    func consider(_ left: Int32) {
      guard left >= 0, Int(next[Int(left)]) < word.count else { return }
      let pair = Self.key(symbols[Int(left)].id, symbols[Int(next[Int(left)])].id)
      guard let merge = merges[pair] else { return }
      queue.insert(Candidate(rank: merge.rank, position: left, id: merge.id))
    }

    for position in 0..<Int32(word.count) { consider(position) }
    while let candidate = queue.removeMinimum() {
      let left = Int(candidate.position)
      let right = Int(next[left])
      guard symbols[left].length > 0, right < word.count,
        let merge = merges[Self.key(symbols[left].id, symbols[right].id)],
        merge.id == candidate.id
      else { continue }
      symbols[left] = Symbol(
        id: candidate.id, length: symbols[left].length + symbols[right].length)
      symbols[right].length = 0
      next[left] = next[right]
      if Int(next[left]) < word.count { previous[Int(next[left])] = Int32(left) }
      consider(previous[left])
      consider(Int32(left))
    }
    return symbols.filter { $0.length > 0 }
  }
}

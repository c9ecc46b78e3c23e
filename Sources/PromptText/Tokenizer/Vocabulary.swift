internal import TensorEngine

/// The pieces of a vocabulary and their ids, both ways; pieces are compared by their bytes.
struct Vocabulary: Sendable {
  /// Ids are rows of a table of embeddings; none has a million.
  static let largestID = 0xFFFFF

  private let pieces: NameIndex
  /// The id of each piece, in the file's order.
  private var ids: [Int32] = []
  /// Positions among the pieces by id, -1 for an id that no piece has.
  private var positions: [Int32] = []

  /// Reads an object of pieces and ids, the value next in `scanner`.
  /// - Throws: `FileError` where it is no such object, or an id is out of range or comes twice.
  init(from scanner: inout JSONScanner) throws {
    var ids: [Int32] = []
    var positions: [Int32] = []
    pieces = try scanner.members { scanner, piece, start in
      guard case .integer(let id) = try scanner.number(), (0...Self.largestID) ~= id else {
        throw scanner.failure(
          "expected an id from 0 to \(Self.largestID)", at: start,
          subject: FileError.quoted(piece))
      }
      if id >= positions.count {
        let count = max(id + 1, 2 * positions.count)
        positions.append(contentsOf: repeatElement(-1, count: count - positions.count))
      }
      guard positions[id] < 0 else {
        throw scanner.failure(
          "the id \(id) is that of another piece", at: start, subject: FileError.quoted(piece))
      }
      positions[id] = Int32(ids.count)
      ids.append(Int32(id))
    }
    self.ids = ids
    self.positions = positions
  }

  /// Reads a file that has a piece a line; the first line is id 0.
  ///
  /// An empty line takes an id like any other, and no text has it.
  /// - Throws: `FileError` where a piece comes twice, or there are more than ids.
  init(lines path: String) throws {
    let reader = try LineReader(path)
    var index = NameIndex()
    while let piece = try reader.next() {
      let line = positions.count + 1
      guard line - 1 <= Self.largestID else {
        throw FileError(
          .malformed, path: path, reason: "expected at most \(Self.largestID + 1) pieces, got more")
      }
      guard !piece.isEmpty else {
        positions.append(-1)
        continue
      }
      guard index.insert(piece) else {
        throw FileError(
          .malformed, path: path, subject: "line \(line)",
          reason: "the piece \(FileError.quoted(piece)) is on another line, too")
      }
      ids.append(Int32(positions.count))
      positions.append(Int32(ids.count - 1))
    }
    pieces = index
  }

  /// The number of pieces.
  var count: Int { ids.count }

  /// The id of a piece.
  func id(of piece: String) -> Int? { pieces.position(of: piece).map { Int(ids[$0]) } }

  /// The spelling of an id.
  func piece(of id: Int) -> String? {
    guard positions.indices.contains(id), positions[id] >= 0 else { return nil }
    return pieces.names[Int(positions[id])]
  }

  /// Whether `id` is that of `piece`; quicker than looking the piece up.
  func has(_ piece: String, at id: Int) -> Bool {
    self.piece(of: id)?.utf8.elementsEqual(piece.utf8) ?? false
  }
}

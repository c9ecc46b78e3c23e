import AttentionAnalysis
import AttentionTrace
import Foundation
import TensorEngine

/// What was found of asked words: a table, and a map a file.
struct AskedWordsReport {
  private struct Row: Encodable {
    let run: String
    /// The text that was asked.
    let text: String
    let word: String
    /// The map's largest value; none of a map that is not numbers.
    let largest: Float?
    /// Where the largest value stands, from 0.
    let row: Int
    let column: Int
    /// Rows and columns of the map.
    let grid: [Int]
    /// The map's sum over that of all tokens' maps; none where these are nothing.
    let share: Double?
    /// Shannon's entropy of the map over its sum, in nats; none of an empty map.
    let entropy: Double?
    let recipe: String
    /// The map's file, if it was written.
    let file: String?
  }

  private let rows: [Row]

  /// Writes the maps, `[row, column]` in float32, below `folder` if there is one.
  /// - Throws: `FileError`, ``Failure``.
  init(_ words: AskedWords, folder: String?) throws {
    var names: [String: Int] = [:]
    let places = RunPlaces(words.answers.map(\.run.folder.path))
    rows = try words.answers.map { answer in
      var file: String?
      if let folder {
        let place = folder + "/" + places.place(of: answer.run.folder.path)
        try Self.make(place)
        let name = Self.name(answer)
        let count = names[place + name, default: 0] + 1
        names[place + name] = count
        let path = place + name + (count == 1 ? "" : "-\(count)") + ".npy"
        try NumpyFile.write(
          Tensor(answer.map.values, shape: [answer.map.grid.rows, answer.map.grid.columns]),
          to: path)
        file = path
      }
      return Self.row(answer, file)
    }
  }

  private static func make(_ folder: String) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Failure(.cannotCreate, "\(folder): \(error.localizedDescription)")
    }
  }

  /// A file's name for a word: the word, after the text if that says more.
  private static func name(_ answer: AskedWords.Answer) -> String {
    let word = RunFolder.slug(answer.word.name.replacing("#", with: " "))
    return answer.word.name == answer.text.lowercased()
      ? word : RunFolder.slug(answer.text) + "." + word
  }

  private static func row(_ answer: AskedWords.Answer, _ file: String?) -> Row {
    let (values, grid) = (answer.map.values, answer.map.grid)
    let largest = answer.map.largest
    let place = values.firstIndex(of: largest) ?? 0
    return Row(
      run: answer.run.folder.path, text: answer.text, word: answer.word.name,
      largest: largest.isFinite ? largest : nil,
      row: place / grid.columns, column: place % grid.columns, grid: [grid.rows, grid.columns],
      share: answer.share.isFinite ? answer.share : nil, entropy: entropy(values),
      recipe: answer.recipe.description, file: file)
  }

  /// Shannon's entropy of numbers over their sum, in nats; `nil` where they are no amounts.
  private static func entropy(_ values: [Float]) -> Double? {
    let sum = values.reduce(0) { $0 + Double($1) }
    guard sum > 0, sum.isFinite, values.allSatisfy({ $0 >= 0 }) else { return nil }
    return values.reduce(0) { total, value in
      let share = Double(value) / sum
      return share > 0 ? total - share * log(share) : total
    }
  }

  func text(json: Bool) -> String {
    if json { return TableText.json(rows) }
    let titles = ["run", "word", "largest", "row", "column", "share", "entropy"]
    let cells = rows.map { row in
      [
        row.run, row.word, TableText.number(row.largest), String(row.row), String(row.column),
        TableText.number(row.share.map { Float($0) }),
        TableText.number(row.entropy.map { Float($0) }),
      ]
    }
    return AlignedColumns([titles] + cells, leftAligned: [0, 1]).text
  }
}

/// Where the files of each of several runs go: the part of a run's path that the others lack.
private struct RunPlaces {
  private let common: Int

  init(_ paths: [String]) {
    let all = Set(paths).map(Self.parts)
    let first = all.first ?? []
    common =
      all.count < 2
      ? first.count
      : first.indices.first { index in
        all.contains { $0.count <= index || $0[index] != first[index] }
      } ?? first.count
  }

  private static func parts(_ path: String) -> [String] {
    URL(fileURLWithPath: path).standardizedFileURL.pathComponents
  }

  /// Ends in a slash, unless it is empty.
  func place(of path: String) -> String {
    Self.parts(path).dropFirst(common).map { $0 + "/" }.joined()
  }
}

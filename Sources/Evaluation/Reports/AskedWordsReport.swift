internal import AttentionAnalysis
internal import AttentionTrace
private import Foundation
internal import PromptText
internal import TensorEngine

/// The maps of asked words: a table, and one file per map.
package struct AskedWordsReport {
  private struct Row: Encodable {
    let run: String
    /// The text that was asked.
    let text: String
    let word: String
    /// The map's peak attention; `nil` if it is not finite.
    let peak: Float?
    /// The row of the peak, from 0.
    let row: Int
    let column: Int
    /// Rows and columns of the map.
    let grid: [Int]
    /// The map's sum divided by that of all tokens' maps; `nil` if that is 0.
    let share: Double?
    /// Shannon entropy of the map divided by its sum, in nats; `nil` for an empty map.
    let entropy: Double?
    let recipe: String
    /// The map's file, if it was written.
    let file: String?
  }

  private let rows: [Row]

  /// Writes the maps, `[row, column]` in float32, below `folder` if there is one.
  /// - Throws: `FileError`, ``Failure``.
  package init(_ words: AskedWords, folder: String?) throws {
    var names: [String: Int] = [:]
    let places = RunPlaces(words.answers.map(\.run.folder.path))
    rows = try words.answers.map { answer in
      var file: String?
      if let folder {
        let place = folder + "/" + places.place(of: answer.run.folder.path)
        try OutputFolder.make(place)
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

  /// A file's name for a word: the word, after the text if they differ.
  private static func name(_ answer: AskedWords.Answer) -> String {
    let word = RunFolder.slug(answer.word.name.replacing("#", with: " "))
    return answer.word.name == answer.text.lowercased()
      ? word : RunFolder.slug(answer.text) + "." + word
  }

  private static func row(_ answer: AskedWords.Answer, _ file: String?) -> Row {
    let (map, grid) = (MapStatistics(of: answer.map), answer.map.grid)
    return Row(
      run: answer.run.folder.path, text: answer.text, word: answer.word.name,
      peak: map.peak.value.isFinite ? map.peak.value : nil, row: map.peak.row,
      column: map.peak.column, grid: [grid.rows, grid.columns],
      share: answer.share.isFinite ? answer.share : nil,
      entropy: map.entropy.isFinite ? map.entropy : nil, recipe: answer.recipe.description,
      file: file)
  }

  package func text(json: Bool) -> String {
    if json { return TableText.json(rows) }
    let titles = ["run", "word", "peak", "row", "column", "share", "entropy"]
    let cells = rows.map { row in
      [
        row.run, row.word, TableText.number(row.peak), String(row.row), String(row.column),
        TableText.number(row.share.map { Float($0) }),
        TableText.number(row.entropy.map { Float($0) }),
      ]
    }
    return AlignedColumns([titles] + cells, leftAligned: [0, 1]).text
  }
}

/// The folder for each run's files: the part of a run's path that the others lack.
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

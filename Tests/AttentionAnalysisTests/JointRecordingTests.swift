import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import TensorEngine
import Testing

/// Recipes on maps of which not every key, head or cell was kept.
@Suite("Recordings of joint attention")
struct JointRecordingTests {
  /// One layer of joint attention in one call, by numbers that are given.
  private struct Source: ChunkSource {
    let name = "joint"
    let prompt: TokenTable
    let sites: [RecordedSite]
    let calls = [
      CallRecord(
        call: 0, step: 0, timestep: 999, branch: .conditional, phase: .denoise, attempt: 0,
        measurement: nil, checksums: [:])
    ]
    let iterations = 1
    let branches: Set<Branch> = [.conditional]
    let phases: Set<Phase> = [.denoise]
    let lossGrid = Grid(rows: 2, columns: 2)
    let lossStopsAtEnd = false
    let values: [Float]

    func tokens(of branch: Branch) -> TokenTable? { prompt }
    func holds(_ site: RecordedSite, in call: CallRecord) -> Bool { true }
    func missing(_ site: RecordedSite) -> Set<Int> { [] }
    func chunk(_ site: RecordedSite, in call: CallRecord) -> Tensor? {
      Tensor(values, shape: site.shape)
    }
  }

  private static let kinds: [TokenTable.Token.Special?] = [
    .start, nil, nil, .end, .padding, nil, nil, nil, .end, .padding, .padding,
  ]
  /// "red cat": of the first encoder with start, end and padding, of the second with an end and padding.
  private static let table = TokenTable(
    prompt: "red cat",
    tokens: kinds.enumerated().map { index, special in
      TokenTable.Token(
        index: index, id: index, piece: "\(index)", range: nil, word: nil, special: special)
    },
    words: [
      TokenTable.Word(text: "red", occurrence: 1, tokens: [1, 5], range: 0..<3),
      TokenTable.Word(text: "cat", occurrence: 1, tokens: [2, 6, 7], range: 4..<7),
    ], leftOut: [],
    segments: [
      TokenTable.Segment(encoder: "text_encoder", start: 0, words: 1..<3, end: 3, padding: 4..<5),
      TokenTable.Segment(
        encoder: "text_encoder_3", start: nil, words: 5..<8, end: 8, padding: 9..<11),
    ])
  private static let kept = [0, 1, 2, 3, 5, 6, 7, 8]

  /// `[head, cell, column]` of kept tokens, padding and image: a softmax of small whole numbers.
  private static func source(heads: Int, _ reduction: RecordedSite.HeadReduction? = nil) -> Source {
    let columns = kept.count + 2
    let rows = reduction == nil ? heads * 4 : 4
    let values = (0..<rows).flatMap { row -> [Float] in
      let whole = (0..<columns).map { Float(1 + (row * 5 + $0 * 7) % 11) }
      return whole.map { $0 / whole.reduce(0, +) }
    }
    return Source(
      prompt: table,
      sites: [
        RecordedSite(
          site: AttentionSite(
            path: "blocks.0.attn", kind: .joint, heads: heads, grid: Grid(rows: 4, columns: 4),
            keys: 11 + 16), heads: Array(0..<heads), tokens: kept, reducedHeads: reduction,
          summedColumns: [
            .init(name: "padding", keys: 3), .init(name: "image", keys: 16),
          ], grid: Grid(rows: 2, columns: 2))
      ], values: values)
  }

  @Test("Normalised over the tokens, the padding's sum counts, and the picture's does not")
  func normalized() throws {
    let source = Self.source(heads: 1)
    let maps = try source.aggregate(
      by: Recipe(parsing: "mean(head) mean(layer: 2x2) normalize(token)"))
    #expect(maps.tokens == Self.kept && maps.grid == Grid(rows: 2, columns: 2))
    for cell in 0..<4 {
      let row = source.values[cell * 10..<cell * 10 + 10].map { $0 }
      let text = row[..<9].reduce(0, +)
      for (column, value) in maps.values[cell * 8..<cell * 8 + 8].enumerated() {
        #expect(abs(value - row[column] / text) < 1e-6)
      }
    }
  }

  @Test(
    "A renormalisation reads the tokens that it does not leave out",
    arguments: [
      ("normalize(token: without start end padding)", [1, 2, 4, 5, 6]),
      ("normalize(token: without padding)", [0, 1, 2, 3, 4, 5, 6, 7]),
      ("softmax(token: 100 without start end padding)", [1, 2, 4, 5, 6]),
    ])
  func classes(_ operation: String, _ columns: [Int]) throws {
    let source = Self.source(heads: 1)
    let recipe = try Recipe(parsing: "mean(head) mean(layer: blocks*) " + operation)
    let maps = try source.aggregate(by: recipe)
    let isSoftmax = operation.hasPrefix("softmax")
    for cell in 0..<4 {
      let row = (0..<8).map { Double(source.values[cell * 10 + $0]) }
      let weights = row.map { isSoftmax ? exp(100 * $0) : $0 }
      let sum = columns.reduce(0) { $0 + weights[$1] }
      for column in 0..<8 {
        let expected = columns.contains(column) ? weights[column] / sum : 0
        #expect(abs(Double(maps.values[cell * 8 + column]) - expected) < 1e-5)
      }
    }
  }

  @Test(
    "Tokens that are in a sum alone are not told apart",
    arguments: [
      "softmax(token: 100)", "softmax(token: 100 without start last)",
      "normalize(token: without last)", "softmax(token: 2 without end)",
    ])
  func unknown(_ operation: String) throws {
    let source = Self.source(heads: 1)
    let recipe = try Recipe(parsing: "mean(head) mean(layer: 2x2) " + operation)
    let error = #expect(throws: AnalysisError.self) { try source.aggregate(by: recipe) }
    #expect(error?.description.contains("token 4, which") ?? false, "\(error as Any)")
  }

  @Test("The recipe says which direction of joint attention is read, and is read back")
  func direction() throws {
    let maps = try Self.source(heads: 2).aggregate(by: Recipe(parsing: "mean(layer: 2x2)"))
    #expect(
      maps.recipe.description
        == "mean(head) mean(layer: 2x2) mean(step) conditional denoise image-to-text")
    #expect(try Recipe(parsing: maps.recipe.description) == maps.recipe)
  }

  @Test("The mean of heads stands for a mean and a sum of them, and for nothing else")
  func heads() throws {
    let source = Self.source(heads: 3, .mean)
    func maps(_ recipe: String) throws -> [Float] {
      try source.aggregate(tokens: [2], by: Recipe(parsing: recipe)).values
    }
    let mean = try maps("mean(layer: 2x2)")
    #expect(mean == (0..<4).map { source.values[$0 * 10 + 2] })
    #expect(try maps("sum(head) mean(layer: 2x2)") == mean.map { $0 * 3 })
    for recipe in [
      "max(head)", "mean(head: 0)", "weighted(head: 1 0 0)", "minmax(pixel) mean(head)",
      "normalize(token) mean(head)",
    ] {
      let error = #expect(throws: AnalysisError.self) { try maps(recipe + " mean(layer: 2x2)") }
      #expect(error?.description.contains("the mean of 3 heads") ?? false, "\(recipe)")
    }
  }

  @Test(
    "Layers of different numbers of heads, which were averaged, are not summed over heads at once")
  func headCounts() throws {
    func source(_ counts: [Int]) -> Source {
      let one = Self.source(heads: counts[0], .mean)
      let sites = counts.enumerated().map { place, heads in
        RecordedSite(
          site: AttentionSite(
            path: "blocks.\(place).attn", kind: .joint, heads: heads,
            grid: Grid(rows: 4, columns: 4), keys: 11 + 16),
          heads: Array(0..<heads), tokens: Self.kept, reducedHeads: .mean,
          summedColumns: one.sites[0].summedColumns, grid: Grid(rows: 2, columns: 2))
      }
      return Source(prompt: one.prompt, sites: sites, values: one.values)
    }
    func mass(_ counts: [Int], _ recipe: String) throws -> Float {
      try source(counts).aggregate(tokens: [2], by: Recipe(parsing: recipe)).values.reduce(0, +)
    }
    let mean = try mass([2, 4], "mean(layer: *)")
    #expect(abs(try mass([2, 4], "sum(head) mean(layer: *)") - 3 * mean) < 1e-5)
    #expect(abs(try mass([2, 2], "mean(layer: *) sum(head)") - 2 * mean) < 1e-5)
    #expect(abs(try mass([2, 4], "mean(layer: *) mean(head)") - mean) < 1e-5)
    let error = #expect(throws: AnalysisError.self) {
      try mass([2, 4], "mean(layer: *) sum(head)")
    }
    #expect(error?.description.contains("2 and 4 heads") ?? false, "\(error as Any)")
  }

  @Test(
    "A word's map is the mean over the text encoders of what is chosen of its pieces in each",
    arguments: [
      ("last", [[2], [7]]), ("first", [[2], [6]]), ("max", [[2], [6, 7]]),
      ("mean", [[2], [6, 7]]),
    ])
  func pieces(_ rule: String, _ chosen: [[Int]]) throws {
    let source = Self.source(heads: 1)
    let map = try source.map(of: "cat", by: Recipe(parsing: "mean(layer: 2x2) \(rule)(piece)"))
    for cell in 0..<4 {
      func value(_ token: Int) -> Float {
        source.values[cell * 10 + (Self.kept.firstIndex(of: token) ?? 0)]
      }
      let parts = chosen.map { tokens in
        rule == "max"
          ? tokens.map(value).max() ?? 0 : tokens.map(value).reduce(0, +) / Float(tokens.count)
      }
      #expect(abs(map.values[cell] - parts.reduce(0, +) / Float(parts.count)) < 1e-6)
    }
  }
}

import AttentionAnalysis
import AttentionTrace
import Foundation
import PromptText
import RecordingProbe
import Testing

@Suite("Measurements of recordings")
struct MeasurementTests {
  private static let words = [
    Subject(name: "cat", tokens: [2]), Subject(name: "frog", tokens: [5]),
    Subject(name: "both", tokens: [2, 5]),
  ]

  private static var run: SyntheticRun {
    var plan = SyntheticRun.everything
    plan.precision = .float32
    return SyntheticRun(plan: plan, steps: 4)
  }

  private static let layer = "down_blocks.0.attentions.0.transformer_blocks.0.attn2"

  /// The map of a word in one layer, head and step.
  private func map(_ run: RecordedRun, _ word: Subject, head: Int, step: Int) throws -> AttentionMap
  {
    try run.aggregate(
      by: Recipe(parsing: "mean(head: \(head)) mean(layer: \(Self.layer)) mean(step: \(step))")
    ).map(of: word)
  }

  @Test("Kept apart by layer, head and step, each row is of that map alone")
  func statistics() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let measurement = RunMeasurement(
        by: Recipe(layers: "2x3"), keeping: [.layer, .head, .step])
      let table = try measurement.statistics(recorded, of: Self.words)
      #expect(
        table.keys
          == ["prompt", "method", "seed", "layer", "head", "step", "timestep", "word"])
      #expect(table.rows.count == 2 * 4 * 3)
      var index = 0
      for step in 0..<4 {
        for head in 0..<2 {
          for word in Self.words {
            let row = table.rows[index]
            let expected = MapStatistics(of: try map(recorded, word, head: head, step: step))
            #expect(
              row.keys.suffix(5) == [
                .text(Self.layer), .integer(head), .integer(step), .text("\(1000 - step)"),
                .text(word.name),
              ])
            #expect(row.values[0] == expected.mass && row.values[4] == expected.entropy)
            index += 1
          }
        }
      }
    }
  }

  @Test("A time that no integer holds, in a run by others, is told as it is")
  func farTime() throws {
    let path = FileManager.default.temporaryDirectory.path + "/heed-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = RunFolder(path: path)
    try Self.run.record(into: folder)
    let journal = try String(contentsOfFile: folder.journal, encoding: .utf8)
    let far = journal.replacing("\"timestep\":1000", with: "\"timestep\":1e300")
    #expect(far != journal)
    try Data(far.utf8).write(to: URL(fileURLWithPath: folder.journal))
    let table = try RunMeasurement(by: Recipe(layers: "2x3"), keeping: [.step])
      .statistics(RecordedRun(path), of: Self.words)
    #expect(table.rows[0].keys.contains(.text("1e+300")))
  }

  @Test("Overlap, binding, spectrum and convergence are those of the words' maps")
  func others() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let recipe = Recipe(layers: "2x3")
      let maps = try Self.words.map { word in
        try recorded.aggregate(by: recipe).map(of: word)
      }
      let measurement = RunMeasurement(by: recipe)
      let overlap = try measurement.overlap(recorded, of: Self.words)
      #expect(overlap.rows.count == 3)
      #expect(overlap.rows[0].values[1] == MapOverlap(maps[0], maps[1]).softJaccard)
      let binding = try measurement.binding(
        recorded, of: [(Self.words[2], Self.words[0]), (Self.words[2], Self.words[1])],
        measure: .cosine)
      let closeness = maps[..<2].map { OverlapMeasure.cosine.closeness(of: maps[2], and: $0) }
      #expect(binding.rows[0].values[0] == closeness[0])
      #expect(abs(binding.rows[1].values[1] - (closeness[1] - closeness[0])) < 1e-12)
      let spectrum = try measurement.spectrum(recorded, of: [Self.words[0]])
      #expect(spectrum.rows.map { $0.values[0] } == RadialSpectrum(of: maps[0]).power)
      let convergence = try measurement.convergence(recorded, of: [Self.words[0]])
      let course = try recorded.timeline(by: recipe).map { try $0.maps.map(of: Self.words[0]) }
      #expect(convergence.rows.map { $0.values[0] } == Convergence(of: course).changes)
    }
  }

  @Test("The shares of start, words, end and padding add up to 1 where all tokens were recorded")
  func mass() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let table = try RunMeasurement(by: Recipe(layers: "2x3"))
        .tokenMass(recorded, among: [recorded])
      #expect(table.values == ["start", "words", "end", "padding"])
      #expect(abs(table.rows[0].values.reduce(0, +) - 1) < 1e-6)
    }
    var run = Self.run
    run.plan?.tokens = [2, 5]
    try SyntheticRecording.with(run) { recorded in
      let table = try RunMeasurement(by: Recipe(layers: "2x3"))
        .tokenMass(recorded, among: [recorded])
      #expect(table.rows[0].values.prefix(3).allSatisfy { $0.isNaN })
    }
  }

  @Test("A difference is the excited run's maps less the plain run's")
  func difference() throws {
    var other = Self.run
    other.shift = 4
    try SyntheticRecording.with(Self.run) { excited in
      try SyntheticRecording.with(other) { plain in
        let recipe = Recipe(layers: "2x3")
        let table = try RunMeasurement(by: recipe, keeping: [.step]).difference(
          excited: excited, plain: plain, of: Self.words)
        #expect(table.rows.count == 12)
        var grown = 0
        for step in 0..<4 {
          for (place, word) in Self.words.enumerated() {
            let values = table.rows[step * Self.words.count + place].values
            let (after, before) = try (
              excited.maps(of: [word], by: recipe.taking(steps: [step]))[0].map,
              plain.maps(of: [word], by: recipe.taking(steps: [step]))[0].map
            )
            #expect(values[0] == Double(after.largest) - Double(before.largest))
            #expect(
              values[1] == MapStatistics(of: after).entropy - MapStatistics(of: before).entropy)
            #expect(values[2] == MapOverlap(after, before).softJaccard)
            let (here, there) = (
              MapStatistics(of: after).centerOfMass, MapStatistics(of: before).centerOfMass
            )
            #expect(values[3] == here.row - there.row && values[4] == here.column - there.column)
            if values[0] > 0 { grown += 1 } else if values[0] < 0 { grown -= 1 }
          }
        }
        #expect(grown != 0, "a swapped sign must be seen")
      }
    }
  }

  @Test("The difference of a run and itself is nothing, and runs that cannot pair are refused")
  func differenceOfOne() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let measurement = RunMeasurement(by: Recipe(layers: "2x3"), keeping: [.step])
      let same = try measurement.difference(excited: recorded, plain: recorded, of: Self.words)
      #expect(same.rows.count == 12)
      for row in same.rows { #expect(row.values[0] == 0 && abs(row.values[2] - 1) < 1e-12) }
      var other = Self.run
      other.prompt = "a dog and a frog"
      try SyntheticRecording.with(other) { other in
        do {
          _ = try measurement.difference(excited: recorded, plain: other, of: Self.words)
          Issue.record("runs of two prompts were compared")
        } catch AnalysisError.notComparable(_, _, let what) {
          #expect(what == "their prompts differ")
        }
      }
    }
  }

  @Test("Over seeds, each number is its mean with its interval")
  func overSeeds() {
    let table = MeasurementTable(
      recipe: "r", keys: ["seed", "word"], values: ["x"],
      rows: [
        ("0", "cat", 1.0), ("0", "frog", 5), ("1", "cat", 2), ("1", "frog", 7), ("2", "cat", 6),
      ]
      .map { MeasurementTable.Row(keys: [.text($0), .text($1)], values: [$2]) })
    let made = table.over(["seed"])
    #expect(made.keys == ["word"] && made.values == ["n", "x", "x_low", "x_high"])
    let cat = Bootstrap().interval(of: [1, 2, 6])
    #expect(made.rows[0].values == [3, 3, cat.lower, cat.upper])
    #expect(made.rows[1].values[0] == 2 && made.rows[1].values[1] == 6)
  }

  @Test("CSV quotes what must be quoted, and numbers read back to the same value")
  func csv() {
    let table = MeasurementTable(
      recipe: "mean(layer: a, b)", keys: ["prompt"], values: ["x", "y"],
      rows: [
        MeasurementTable.Row(keys: [.text("a \"cat\", a frog")], values: [0.1, .nan]),
        MeasurementTable.Row(keys: [.text("a\nb")], values: [3, -.infinity]),
      ])
    #expect(
      table.csv
        == "prompt,x,y,recipe\r\n\"a \"\"cat\"\", a frog\",0.1,NaN,\"mean(layer: a, b)\"\r\n"
        + "\"a\nb\",3,-inf,\"mean(layer: a, b)\"\r\n")
  }

  @Test("Markdown and LaTeX have every cell, and no text means anything to them")
  func papers() {
    let table = MeasurementTable(
      recipe: "r", keys: ["word"], values: ["n", "peak", "peak_low", "peak_high", "mass"],
      rows: [
        .init(
          keys: [.text("50% of $5 & {a}_b^c~\\#|")], values: [2, 0.5, 0.25, 0.75, 1.5e-5]),
        .init(keys: [.text("guided − plain")], values: [1, -0.5, .nan, .nan, .nan]),
      ])
    #expect(
      table.text(.markdown) == """
        | word | n | peak | mass |
        | --- | ---: | ---: | ---: |
        | 50% of $5 & {a}_b^c~\\#\\| | 2 | 0.5000 [0.2500, 0.7500] | 1.500e-05 |
        | guided − plain | 1 | -0.5000 [-, -] | - |

        """)
    #expect(
      table.text(.latex) == """
        % needs \\usepackage{booktabs}
        \\begin{tabular}{lrrr}
          \\toprule
          word & n & peak & mass \\\\
          \\midrule
          50\\% of \\$5 \\& \\{a\\}\\_b\\textasciicircum{}c\\textasciitilde{}\\textbackslash{}\\#| & $2$ & $0.5000$ {\\scriptsize$[0.2500, 0.7500]$} & $1.500\\cdot10^{-5}$ \\\\
          guided $-$ plain & $1$ & $-0.5000$ {\\scriptsize$[-, -]$} & - \\\\
          \\bottomrule
        \\end{tabular}

        """)
  }

  @Test("The atlas gives each head its share of the words, and weights that sum to 1")
  func atlas() throws {
    try SyntheticRecording.with(Self.run) { recorded in
      let classes = Self.words[..<2].map { HeadAtlas.WordClass(name: $0.name, words: [$0]) }
      let atlas = try HeadAtlas(recorded, classes: classes, by: Recipe(layers: "2x3"))
      #expect(atlas.entries.count == 4)
      for entry in atlas.entries {
        var shares: [Double] = []
        var wins = 0.0
        for step in 0..<4 {
          let masses = try (1...5).map { token in
            try map(
              recorded, Subject(name: "", tokens: [token]), head: entry.head, step: step
            ).values.reduce(0) { $0 + Double($1) }
          }
          let mine = entry.name == "cat" ? masses[1] : masses[4]
          shares.append(mine / masses.reduce(0, +))
          wins += mine > min(masses[1], masses[4]) ? 1 : 0
        }
        #expect(abs(entry.share - shares.reduce(0, +) / 4) < 1e-6)
        #expect(entry.wins == wins / 4)
      }
      let weights = HeadAtlas.weights(for: "cat", of: [atlas]).layers
      #expect(weights.keys.sorted() == [Self.layer])
      #expect(abs((weights[Self.layer] ?? []).reduce(0, +) - 1) < 1e-6)
    }
  }

  @Test("Head weights are read back from what is written, and bad files are named")
  func weights() throws {
    let path = FileManager.default.temporaryDirectory.path + "/heed-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let weights = HeadWeights(layers: ["up.b": [0.25, 0.1], "up.a": [1]])
    try weights.json.write(toFile: path, atomically: true, encoding: .utf8)
    #expect(try HeadWeights(contentsOf: path) == weights)
    for bad in ["[]", "{\"a\": 1}", "{\"a\": [\"x\"]}", "{"] {
      try bad.write(toFile: path, atomically: true, encoding: .utf8)
      #expect(throws: (any Error).self) { try HeadWeights(contentsOf: path) }
    }
  }
}

@Suite("Words of recordings")
struct WordTests {
  private static let table = TokenTable(
    prompt: "a frog and a red frog",
    tokens: [
      "<|startoftext|>", "a</w>", "fr", "og</w>", "and</w>", "a</w>", "red</w>", "fr", "og</w>",
      "<|endoftext|>", "<|endoftext|>",
    ].enumerated().map { index, piece in
      TokenTable.Token(
        index: index, id: index, piece: piece, range: nil, word: nil,
        special: index == 0 ? .start : index == 9 ? .end : index == 10 ? .padding : nil)
    },
    words: [
      ("a", 1, [1]), ("frog", 1, [2, 3]), ("and", 1, [4]), ("a", 2, [5]), ("red", 1, [6]),
      ("frog", 2, [7, 8]),
    ].map { TokenTable.Word(text: $0, occurrence: $1, tokens: $2, range: 0..<1) }, leftOut: [])

  @Test(
    "A name finds its tokens",
    arguments: [
      ("frog#1", [2, 3]), ("Frog#2", [7, 8]), ("red", [6]), (" RED frog ", [6, 7, 8]), ("@3", [3]),
      ("<start>", [0]), ("<end>", [9]), ("<padding>", [10]), ("a#2", [5]),
    ])
  func found(_ name: String, _ tokens: [Int]) throws {
    #expect(try WordReference(name).tokens(in: Self.table) == tokens)
  }

  @Test("Pieces are ranked by their peak attention, and the strongest is recommended")
  func pieces() throws {
    try SyntheticRecording.with(SyntheticRun(plan: SyntheticRun.everything, steps: 2)) { run in
      let maps = try run.aggregate(by: Recipe(layers: "2x3"))
      let word = Subject(name: "word", tokens: [1, 3, 4])
      let ranking = try PieceRanking(word, in: maps, of: run.manifest.tokens)
      let expected = [1, 3, 4].sorted { maps.map(at: $0).largest > maps.map(at: $1).largest }
      #expect(ranking.pieces.map(\.token) == expected)
      #expect(ranking.recommendation == "@\(expected[0])")
      #expect(ranking.pieces.map(\.spelling).contains("and</w>"))
    }
  }
}

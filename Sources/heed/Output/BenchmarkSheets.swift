import AttentionAnalysis
import AttentionTrace
import Drawing
import Evaluation
import Figures
import Pictures

/// The figures of a benchmark.
struct BenchmarkSheets {
  /// The most pictures of a sheet.
  private static let mostPictures = 2000
  /// From how many pictures on they are drawn smaller, and their longer side then, in pixels.
  private static let (many, smallSide) = (100, 256)

  let contents: BenchmarkContents

  /// A score of all methods by subset, as bars.
  /// - Parameters:
  ///   - methods: by the folders of their runs; `nil` for all with nothing varied.
  ///   - kinds: the scores, a row of charts each.
  ///   - seeds: `nil` for all.
  func scores(
    methods: [String]? = nil, kinds: [ScoreKind], seeds: [UInt64]? = nil
  ) throws -> ScoreSheet {
    let table = try ScoreTable(
      contents.scores(ofSeeds: seeds), of: contents.suite, record: contents.record,
      path: contents.folder.scores)
    let named = methods ?? contents.plainMethods
    let shown = named.filter { method in
      method != PhotoFolder.method && table.rows.contains { $0.method == method }
    }
    func cell(_ subset: String?, _ method: String, _ kind: ScoreKind) -> BootstrapInterval? {
      guard let column = table.scores.firstIndex(of: kind) else { return nil }
      return table.rows.first { $0.subset == subset && $0.method == method }?.cells[column]?.mean
    }
    let subsets: [String?] = contents.subsets.isEmpty ? [nil] : contents.subsets
    return ScoreSheet(
      suite: contents.record.suite, model: contents.record.model,
      subsets: subsets.map { subset in
        ScoreSheet.Subset(
          name: subset ?? "all prompts",
          pictures: table.rows.filter { $0.subset == subset && shown.contains($0.method) }
            .map(\.pictures))
      },
      methods: shown.map {
        ScoreSheet.Method(
          title: contents.title(of: $0), isPlain: $0 == NeglectComparison.plainMethod)
      },
      scores: kinds.map { kind in
        ScoreSheet.Score(
          title: kind.title,
          means: subsets.map { subset in
            shown.map { cell(subset, $0, kind) ?? Self.nothing }
          },
          bounds: subsets.map { cell($0, PhotoFolder.method, kind) })
      }, bound: PhotoFolder.title,
      metadata: try metadata([
        "figure": "scores", "methods": .texts(shown),
        "seeds": .integers(seeds ?? contents.record.seeds),
      ]))
  }

  /// Of nothing that was scored.
  private static let nothing = Bootstrap(resamples: 1).interval(of: [Double]())

  /// What one varied knob at a time does to scores.
  func ablations(
    _ ablations: Ablations, kinds: [ScoreKind], seeds: [UInt64]? = nil
  ) throws -> AblationSheet {
    let table = try ScoreTable(
      contents.scores(ofSeeds: seeds), of: ablations, contents.suite, path: contents.folder.scores)
    let knobs = ablations.knobs.compactMap { knob -> AblationSheet.Knob? in
      let rows = table.rows.filter { $0.subset == knob.name }
      guard !rows.isEmpty else { return nil }
      return AblationSheet.Knob(
        name: knob.name, values: rows.map(\.method), usual: rows.firstIndex(where: \.isBaseline),
        means: kinds.map { kind in
          let column = table.scores.firstIndex(of: kind)
          return rows.map { row in column.flatMap { row.cells[$0]?.mean } ?? Self.nothing }
        })
    }
    return AblationSheet(
      method: ablations.method, suite: contents.record.suite, model: contents.record.model,
      scores: kinds.map(\.title), knobs: knobs, pictures: table.rows.map(\.pictures),
      metadata: try metadata([
        "figure": "ablations", "knobs": .texts(ablations.knobs.map(\.name)),
        "seeds": .integers(seeds ?? contents.record.seeds),
      ]))
  }

  /// For each prompt a row of pictures for each method, a column for each seed.
  /// - Parameters:
  ///   - prompts: at least one.
  ///   - chosen: how the prompts were chosen, as a sentence.
  func strips(
    _ prompts: [SuitePrompt], chosen: String, methods: [String], seeds: [UInt64]
  ) throws -> PictureSheet {
    let side = try side(prompts.count * methods.count * seeds.count)
    return PictureSheet(
      columns: seeds.map { "seed \($0)" },
      blocks: try prompts.map { prompt in
        PictureSheet.Block(
          title: "“\(prompt.prompt)”",
          rows: try methods.map { method in
            PictureSheet.Row(
              label: contents.title(of: method),
              pictures: try pictures(of: prompt, by: method, seeds, side: side))
          })
      },
      shown:
        "pictures by \(FigureCaption.series(methods.map(contents.title))), from the same initial "
        + "noise for each seed, made with \(contents.record.model).",
      note: [chosen, note(side)].filter { !$0.isEmpty }.joined(separator: " "),
      metadata: try metadata([
        "figure": "strips", "prompts": .texts(prompts.map(\.id)), "methods": .texts(methods),
        "seeds": .integers(seeds),
      ]))
  }

  /// For each method the pictures of one prompt, row by row.
  /// - Parameter seeds: `nil` for all that every method has.
  func grid(
    _ prompt: SuitePrompt, methods: [String], seeds asked: [UInt64]?
  ) throws -> PictureSheet {
    let common = contents.seeds(of: methods)
    let seeds = asked ?? common
    let isWhole = methods.allSatisfy { contents.record.seeds(of: $0) == seeds }
    let which =
      isWhole
      ? "All seeds (\(Self.series(seeds))), none left out"
      : seeds == common
        ? "All seeds that every method has (\(Self.series(seeds))), none left out"
        : "Seeds: \(Self.series(seeds))"
    let side = try side(methods.count * seeds.count)
    return PictureSheet(
      prompt: prompt.prompt,
      blocks: try methods.map { method in
        PictureSheet.Block(
          title: contents.title(of: method),
          rows: [
            PictureSheet.Row(
              pictures: try pictures(of: prompt, by: method, seeds, side: side))
          ])
      },
      shown: (seeds == common ? "uncurated pictures by " : "pictures by ")
        + "\(FigureCaption.series(methods.map(contents.title))), made with "
        + "\(contents.record.model).",
      note: [
        "\(which); row by row in this order, the same initial noise at the same place of each method.",
        note(side),
      ].filter { !$0.isEmpty }.joined(separator: " "),
      metadata: try metadata([
        "figure": "grid", "prompts": .texts([prompt.id]), "methods": .texts(methods),
        "seeds": .integers(seeds),
      ]))
  }

  /// As in `0 to 63`, or each by its number.
  private static func series(_ seeds: [UInt64]) -> String {
    guard let first = seeds.first, let last = seeds.last else { return "none" }
    let isRow = zip(seeds, seeds.dropFirst()).allSatisfy { $0 < .max && $0 + 1 == $1 }
    return isRow && seeds.count > 2
      ? "\(first) to \(last)" : FigureCaption.series(seeds.map { "\($0)" })
  }

  /// The longer side that pictures are made smaller to; `nil` for none.
  private func side(_ count: Int) throws -> Int? {
    guard count <= Self.mostPictures else {
      throw Failure(
        .usage,
        "the sheet would have \(count) pictures, expected at most \(Self.mostPictures): choose fewer "
          + "by --prompts, --methods or --seeds")
    }
    return count > Self.many ? Self.smallSide : nil
  }

  private func note(_ side: Int?) -> String {
    side.map { "Larger pictures are drawn with \($0) pixels on their longer side." } ?? ""
  }

  private func pictures(
    of prompt: SuitePrompt, by method: String, _ seeds: [UInt64], side: Int?
  ) throws -> [Picture?] {
    try seeds.map { seed in
      guard let run = try contents.folder.picture(of: prompt, method, seed: seed) else {
        return nil
      }
      let picture = try Picture.read(run.image, within: run.path)
      let longer = max(picture.width, picture.height)
      guard let side, longer > side else { return picture }
      return picture.resized(
        width: max(1, picture.width * side / longer),
        height: max(1, picture.height * side / longer))
    }
  }

  private func metadata(_ manifest: OrderedJSON) throws -> Scene.Metadata {
    Scene.Metadata(
      title: contents.record.suite, date: try contents.date ?? Scene.Metadata.unknownDate,
      software: "Heed \(HeedVersion.current)", manifest: manifest.string)
  }
}

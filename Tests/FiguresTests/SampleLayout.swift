import AttentionAnalysis
import Drawing
import Figures
import Pictures

/// Every layout with any number of seeds and words, made of formulas.
struct SampleLayout {
  static let names = [
    "compare", "predicted", "explain", "tokens", "steps", "frames", "layers", "heads", "seeds",
    "methods",
    "difference", "sweep", "matrix", "curves", "neglect", "outcome", "scores", "strips", "grid",
    "ablations",
  ]
  static let longWords = [
    "antidisestablishmentarianism", "hippopotamus", "Rindfleischetikettierung",
    "electroencephalographically",
  ]
  static let methods = ["Stable Diffusion", "Attend-and-Excite"]
  static let quantity = "mean attention probability, 16×16, 3 layers × 4 heads, 50 steps"

  var name: String
  var seeds: Int
  var words: Int
  var isLong = false

  /// The words that the figure must name.
  var subjects: [String] { Array((isLong ? Self.longWords : Sample.words).prefix(words)) }
  private var prompt: String { "a " + subjects.joined(separator: " and a ") }
  private var named: [CompareSheet.Subject] {
    subjects.enumerated().map {
      .init(name: $1, tokens: isLong ? "tokens \(2 + 9 * $0)–\(8 + 9 * $0)" : "token \(2 + 3 * $0)")
    }
  }

  /// What is laid out.
  var sheet: any PagedSheet {
    switch name {
    case "compare": compare
    case "predicted": predicted
    case "explain": explain
    case "matrix": matrix
    case "curves": curves
    case "neglect": neglect
    case "outcome": outcome
    case "scores": scores
    case "strips": strips
    case "grid": grid
    case "ablations": ablations
    default: maps
    }
  }

  private var compare: CompareSheet {
    var sheet = Sample.sheet(seeds: seeds, subjects: words)
    sheet.prompt = prompt
    sheet.subjects = named
    return sheet
  }

  /// The same with the pictures that steps predicted, and without curves.
  private var predicted: CompareSheet {
    var sheet = compare
    (sheet.curves, sheet.picturedSteps) = (.without, [0, 16, 33, 49, 50])
    for seed in sheet.seeds.indices {
      for run in sheet.seeds[seed].runs.indices {
        sheet.seeds[seed].runs[run].stepPictures = sheet.picturedSteps.map {
          Sample.image(UInt64($0))
        }
      }
    }
    return sheet
  }

  private var explain: ExplainSheet {
    ExplainSheet(
      prompt: prompt, photo: Sample.image(1), subjects: named,
      blocks: (0..<seeds).map { seed in
        ExplainSheet.Block(
          seed: UInt64(seed),
          rows: [261, 501, 741].map { time in
            ExplainSheet.Row(
              name: "t = \(time)",
              maps: subjects.indices.map { Sample.map(UInt64(seed), subject: $0, strength: 0.7) })
          })
      }, quantity: Self.quantity, metadata: Sample.metadata)
  }

  private var outcome: OutcomeSheet {
    func samples(_ shift: Double) -> [[Double]] {
      (0..<4).map { value in
        (0..<seeds).map { min(1, shift + Double(value) / 8 + Double($0 % 5) / 12) }
      }
    }
    return OutcomeSheet(
      prompt: prompt, knob: "scale-factor", values: ["without", "5", "10", "20"],
      scores: subjects.enumerated().map {
        OutcomeSheet.Series(name: $1, samples: samples(Double($0) / 10))
      },
      neglected: OutcomeSheet.Series(name: "", samples: samples(0.05)), window: 25...49,
      threshold: 0.2, metadata: Sample.metadata)
  }

  /// As many methods as seeds, and a subset for each word.
  private var scores: ScoreSheet {
    func means(_ start: Double) -> [[BootstrapInterval]] {
      subjects.indices.map { subset in
        (0..<seeds).map { method in
          Bootstrap(resamples: 20).interval(
            of: (0..<6).map { start + 0.01 * Double(method % 7 + $0 + subset) })
        }
      }
    }
    return ScoreSheet(
      suite: prompt, model: "Menagerie",
      subsets: subjects.map { ScoreSheet.Subset(name: $0, pictures: [132, 130]) },
      methods: (0..<seeds).map {
        ScoreSheet.Method(
          title: $0 < Sample.methods.count ? Sample.methods[$0] : "Method \($0)", isPlain: $0 == 0)
      },
      scores: ["CLIP full prompt", "CLIP minimum object", "all subjects"].enumerated().map {
        ScoreSheet.Score(
          title: $1, means: means($0 == 2 ? 0 : 0.3),
          bounds: subjects.indices.map { _ in means(0.5).first?.first })
      }, bound: "photos of the subjects (upper bound)", metadata: Sample.metadata)
  }

  /// A block for each word.
  private var strips: PictureSheet {
    PictureSheet(
      columns: (0..<seeds).map { "seed \($0)" },
      blocks: subjects.indices.map { place in
        PictureSheet.Block(
          title: "“\(prompt)”",
          rows: Self.methods.enumerated().map { method, title in
            PictureSheet.Row(
              label: title,
              pictures: (0..<seeds).map { seed in
                seed == 1 && method == 1 ? nil : Sample.image(UInt64(seed + place))
              })
          })
      }, shown: "pictures", note: "Prompts: the first of each subset.", metadata: Sample.metadata)
  }

  private var grid: PictureSheet {
    PictureSheet(
      prompt: prompt,
      blocks: Self.methods.map { title in
        PictureSheet.Block(
          title: title,
          rows: [
            PictureSheet.Row(pictures: (0..<seeds).map { Sample.image(UInt64($0), height: 48) })
          ])
      }, shown: "pictures", note: "Not chosen by anyone.", metadata: Sample.metadata)
  }

  /// A knob for each word, with a value more than seeds.
  private var ablations: AblationSheet {
    let values = (0...min(seeds, 8)).map { "\(5 * $0)" }
    func mean(_ score: Int, _ value: Int) -> BootstrapInterval {
      let samples = (0..<5).map { sample -> Double in
        0.3 + 0.01 * Double(sample + value) + Double(score) / 10
      }
      return Bootstrap(resamples: 20).interval(of: samples)
    }
    return AblationSheet(
      method: "Attend-and-Excite", suite: prompt, model: "Menagerie",
      scores: ["CLIP full prompt", "CLIP minimum object", "all subjects"],
      knobs: subjects.map { word in
        AblationSheet.Knob(
          name: word, values: values, usual: 0,
          means: (0..<3).map { score in values.indices.map { mean(score, $0) } })
      }, pictures: [552], metadata: Sample.metadata)
  }

  private var matrix: MatrixSheet {
    let count = words + 1
    return MatrixSheet(
      prompt: prompt, words: ["picture"] + subjects,
      matrices: Self.methods.map { method in
        MatrixSheet.Matrix(
          title: method, seeds: seeds,
          values: (0..<(count * count)).map { Double($0 % 7) / 7 })
      }, quantity: "soft Jaccard index of two words’ maps, " + Self.quantity,
      metadata: Sample.metadata)
  }

  private var curves: CurvesSheet {
    func values(_ shift: Double) -> [[[Double]]] {
      Self.methods.indices.map { method in
        (0..<seeds).map { seed in
          (0..<50).map { step in
            min(1, shift + Double(method) * 0.2 + Double(step + seed) / 120)
          }
        }
      }
    }
    let pairs = subjects.indices.flatMap { one in
      subjects.indices.filter { $0 > one }.map { [subjects[one], subjects[$0]] }
    }
    return CurvesSheet(
      prompt: prompt, steps: 50,
      methods: Self.methods.enumerated().map { index, method in
        CurvesSheet.Method(
          title: method, isPlain: index == 0, seeds: (0..<seeds).map(UInt64.init),
          alteredSteps: index * 25, thresholds: index == 0 ? [:] : [0: 0.05, 10: 0.5, 20: 0.8],
          tries: index == 0 ? [:] : [0: 3, 10: 12, 20: 20])
      },
      panels: [CurvesSheet.Panel(measure: .loss, subjects: [], values: values(0.1))]
        + subjects.map { .init(measure: .score, subjects: [$0], values: values(0.3)) }
        + pairs.map { .init(measure: .overlap, subjects: $0, values: values(0.2)) },
      quantity: Self.quantity, metadata: Sample.metadata)
  }

  private var neglect: NeglectSheet {
    let verdicts: [NeglectVerdict] = [.neglected, .weak, .high, .lost]
    return NeglectSheet(
      cases: (0..<seeds).map { seed in
        NeglectSheet.Case(
          prompt: prompt, method: Self.methods[seed % 2], seed: UInt64(seed),
          image: Sample.image(UInt64(seed)),
          subjects: named.enumerated().map { index, word in
            NeglectSheet.Subject(
              name: word.name, tokens: word.tokens, score: 0.1 + Float(index) / 5,
              verdict: verdicts[index % 4],
              reason: "\(word.name): 0.100 on average over the last 25 steps, below 0.2",
              map: Sample.map(UInt64(seed), subject: index, strength: 0.5))
          },
          others: [
            .init(
              method: Self.methods[1 - seed % 2], image: Sample.image(UInt64(seed + 1)),
              words: subjects.map { "\($0) attended" }.joined(separator: ", "))
          ])
      }, notes: ["Stable Diffusion neglected a subject in 3 of 8 runs."],
      quantity: Self.quantity, metadata: Sample.metadata)
  }

  // MARK: - Maps in rows and columns

  private typealias Value = (value: String, label: String, detail: String)

  private func values(_ facet: MapSheetPlan.Facet) -> [Value] {
    switch facet {
    case .method: Self.methods.map { ($0, $0, "") }
    case .seed: (0..<seeds).map { ("\($0)", "seed \($0)", "") }
    case .word:
      name == "tokens"
        ? (["<start>", "a"] + subjects + ["and", "<end>"]).map { ($0, $0, "token 4") }
        : named.map { ($0.name, $0.name, $0.tokens) }
    case .layer: ["down 1.0 16×16", "mid 8×8", "up 2.1 16×16"].map { ($0, $0, "") }
    case .head: (0..<8).map { ("\($0)", "head \($0)", "") }
    case .step: [0, 12, 24, 37, 49].map { ("\($0)", "step \($0)", "") }
    case .frame: [0, 4, 8, 12].map { ("\($0)", "frame \($0)", "") }
    case .knob: [5, 10, 20, 40].map { ("\($0)", "scale-factor \($0)", "") }
    }
  }

  private func headings(_ facets: [MapSheetPlan.Facet]) -> [MapSheet.Heading] {
    facets.map(values).reduce([[]]) { (rows: [[Value]], values) in
      rows.flatMap { row in values.map { row + [$0] } }
    }.map { row in
      MapSheet.Heading(
        facets: facets, values: row.map(\.value), labels: row.map(\.label),
        detail: facets.last == .word ? row.last?.detail ?? "" : "")
    }
  }

  private var plan: MapSheetPlan {
    switch name {
    case "tokens": .tokens
    case "steps": .steps
    case "frames": .frames
    case "layers": .layers
    case "heads": .heads
    case "methods": .methods
    case "difference": .difference
    case "sweep": .sweep(knob: "scale-factor")
    default: .seeds
    }
  }

  private var maps: MapSheet {
    var plan = plan
    if name == "difference" { plan.columns = [.word] }
    let (rows, words) = (headings(plan.rows), headings(plan.columns))
    var columns: [MapSheet.Heading?] = []
    var shown: [String]?
    for column in words {
      let run = zip(column.facets, column.values).filter { [.method, .seed].contains($0.0) }
        .map(\.1)
      if plan.showsPictures, run != shown { columns.append(nil) }
      shown = run
      columns.append(column)
    }
    var all: [MapSheet.Heading] = []
    for (place, column) in columns.enumerated() {
      guard let next = column ?? columns[place + 1] else { continue }
      all.append(
        column
          ?? MapSheet.Heading(
            facets: next.facets, values: Array(next.values.dropLast()) + [""],
            labels: Array(next.labels.dropLast()) + ["picture"]))
    }
    return MapSheet(
      prompt: prompt, rows: rows, columns: all,
      panels: rows.indices.map { row in
        columns.enumerated().map { place, column in
          column == nil
            ? .picture : .map(Sample.map(UInt64(row), subject: place % 4, strength: 0.6))
        }
      },
      pictures: rows.indices.map { row in columns.map { _ in Sample.image(UInt64(row % 16)) } },
      quantity: Self.quantity, metadata: Sample.metadata, showsDifferences: name == "difference")
  }
}

import AttentionAnalysis
import AttentionTrace
import Drawing
import Figures
import Pictures
import PromptText

/// Sheets that look like real ones, made of formulas.
enum Sample {
  static let words = ["cat", "frog", "elephant", "bow"]

  static let methods = ["Stable Diffusion", "Attend-and-Excite", "SynGen", "CONFORM"]

  static func sheet(
    seeds: Int, subjects: Int, methods: Int = 2, steps: Int = 50, curves: CompareCurves = .full
  ) -> CompareSheet {
    CompareSheet(
      prompt: "a " + words.prefix(subjects).joined(separator: " and a "),
      subjects: (0..<subjects).map {
        CompareSheet.Subject(name: words[$0], tokens: "token \(2 + 3 * $0)")
      },
      methods: (0..<methods).map {
        CompareSheet.Method(title: Self.methods[$0], isPlain: $0 == 0)
      },
      seeds: (0..<seeds).map {
        seed(UInt64($0), subjects: subjects, methods: methods, steps: steps)
      },
      steps: steps, alteredSteps: steps / 2, thresholds: [0: 0.05, 10: 0.5, 20: 0.8],
      recipe: "mean attention probability, 16×16, 3 layers × 4 heads, 50 steps", curves: curves,
      metadata: metadata)
  }

  static let metadata = Scene.Metadata(
    title: "a cat and a frog", date: "2026-11-24T10:30:00Z", software: "Heed 0.1.0",
    manifest: #"{"prompt": "a cat and a frog", "seeds": [0, 1]}"#)

  static func seed(_ seed: UInt64, subjects: Int, methods: Int, steps: Int) -> CompareSheet.Seed {
    CompareSheet.Seed(
      seed: seed,
      runs: (0..<methods).map { method in
        run(
          seed, subjects: subjects, steps: steps,
          strength: method == 0 ? 0.3 : 0.9 - 0.1 * Float(method))
      })
  }

  /// Of a weak run the first subject is neglected in even seeds.
  static func run(
    _ seed: UInt64, subjects: Int, steps: Int, strength: Float
  ) -> CompareSheet.Run {
    let scores = (0..<subjects).map { subject in
      (0..<steps).map { step -> Double in
        let progress = Double(step) / Double(max(1, steps - 1))
        return min(1, Double(strength) * (0.2 + progress) * (subject == 0 ? 1 : 0.8))
      }
    }
    return CompareSheet.Run(
      image: image(seed),
      maps: (0..<subjects).map { map(seed, subject: $0, strength: strength) },
      verdicts: (0..<subjects).map {
        strength < 0.5 && $0 == 0 && seed.isMultiple(of: 2) ? .neglected : .high
      },
      curves: [.score: scores, .peak: scores.map { $0.map { $0 * 0.3 } }],
      tries: strength > 0.5 ? [0: 3, 10: 12, 20: 20] : [:])
  }

  static func image(_ seed: UInt64, width: Int = 64, height: Int = 64) -> Picture {
    var pixels: [UInt8] = []
    for row in 0..<height {
      for column in 0..<width {
        pixels += [
          UInt8((row * 255) / height), UInt8((column * 255) / width),
          UInt8((Int(seed % 16) * 16 + row + column) % 256),
        ]
      }
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// A hill per subject; the values differ from cell to cell.
  static func map(
    _ seed: UInt64, subject: Int, strength: Float, rows: Int = 16, columns: Int = 16
  ) -> AttentionMap {
    let values = (0..<(rows * columns)).map { index -> Float in
      let (row, column) = (Float(index / columns), Float(index % columns))
      let down = (row - Float(4 + 2 * subject)) / 4
      let right = (column - Float(3 + Int(seed % 5) + 2 * subject)) / 4
      return strength * 0.3 / (1 + down * down + right * right)
    }
    return AttentionMap(grid: Grid(rows: rows, columns: columns), values: values)
  }
}

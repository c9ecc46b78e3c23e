internal import AttentionAnalysis
package import AttentionTrace
internal import Diffusion
internal import Foundation
internal import Pictures
internal import PromptText
internal import TensorEngine

/// Attention maps that another program saved, and all that Heed has to be told of them to keep them as a
/// run.
package struct MapImport {
  /// What the maps are of, as far as no file says it.
  package struct Facts {
    /// What the method is called; its name in folders is made of it.
    package var method = "Imported"
    /// The model's name.
    package var model = "unknown"
    /// The seed of the noise.
    package var seed: UInt64 = 0
    /// Words whose attention is measured; `nil` for those of "a X and a Y" and similar prompts.
    package var subjects: [String]?
    /// The diffusion time of each step; `nil` where it is not known.
    package var timesteps: [Double]?

    /// Nothing known.
    package init() {}
  }

  /// What came of an import.
  package struct Outcome {
    /// The run.
    package let run: RecordedRun
    /// Whether the same import had been made before.
    package let wasThere: Bool
    /// What a reader must know of it, a line each.
    package let notes: [String]
  }

  private let maps: ImportedMaps
  private let table: TokenTable
  private let subjects: [Subject]
  private let facts: Facts
  private let picture: PictureFile?
  private let commandLine: [String]

  /// Opens the files.
  /// - Parameters:
  ///   - path: of the maps.
  ///   - reading: how the file's arrays are read.
  ///   - tokens: the path of the list of tokens.
  ///   - prompt: the text of the tokens; `nil` for the file's, or for its words.
  ///   - image: the path of the picture; `nil` for none.
  ///   - facts: what no file says.
  ///   - commandLine: the command that imports; empty for none.
  /// - Throws: `FileError`, ``EvaluationError/axes(reason:)``, and `TextError` for a subject that the
  ///   prompt does not have.
  package init(
    _ path: String, _ reading: ImportedMaps.Reading, tokens: String, prompt: String?,
    image: String?, facts: Facts, commandLine: [String] = []
  ) throws {
    (self.facts, self.commandLine) = (facts, commandLine)
    let table = try ImportedTokens(contentsOf: tokens).table(prompt: prompt)
    self.table = table
    picture = try image.map { try PictureFile($0, transparency: .overWhite) }
    var maps = try ImportedMaps(
      path, reading, picture: picture.map { ($0.picture.height, $0.picture.width) })
    guard maps.tokens == table.tokens.count else {
      throw EvaluationError.axes(
        reason: reading.axes.contains(.token)
          ? "\(path) has \(maps.tokens) tokens, but \(tokens) lists \(table.tokens.count)"
          : "\(path) has no axis of tokens, so that it is of one, but \(tokens) lists "
            + "\(table.tokens.count)")
    }
    if let times = facts.timesteps, times.count != maps.steps {
      throw EvaluationError.axes(
        reason: "\(path) has \(maps.steps) steps, but \(times.count) timesteps are given")
    }
    try maps.inflate()
    self.maps = maps
    subjects =
      try facts.subjects.map { try SubjectSelection.subjects(named: $0, in: table) }
      ?? SubjectSelection.certain(in: table) ?? []
  }

  /// How many layers, steps and tokens there are.
  package var counts: (layers: Int, steps: Int, tokens: Int) {
    (maps.layers.count, maps.steps, maps.tokens)
  }

  /// Writes the run below `root`, where it appears under its prompt, method and seed.
  /// - Parameter check: called for each step and layer; what it throws ends the import, and nothing is
  ///   left of it.
  /// - Throws: `FileError` for a number that is no probability, `TraceError` where the folder holds another
  ///   run or cannot be written, and what `check` throws.
  package func write(below root: String, check: () throws -> Void = {}) throws -> Outcome {
    let (sums, sha256) = try maps.survey(check)
    let tolerance = RunCheck.tolerance(maps.precision, keys: maps.tokens)
    let sumsToOne = abs(sums.lowerBound - 1) <= tolerance && abs(sums.upperBound - 1) <= tolerance
    let manifest = manifest(
      sumsToOne: sumsToOne,
      of: RunManifest.Imported(maps: sha256, picture: picture?.sha256))
    let folder = RunFolder(
      root: root, prompt: table.prompt, method: manifest.method.name, seed: facts.seed)
    var notes = maps.notes
    if !sumsToOne {
      notes.append(
        "rows sum to \(Self.digits(sums.lowerBound))…\(Self.digits(sums.upperBound)) over the tokens, "
          + "not to 1: kept as they are, and run.json says so (method.rowsSumToOne)")
    }
    if facts.timesteps == nil {
      notes.append(
        "no diffusion times are known: steps stand in their place, 0 to \(maps.steps - 1)")
    }
    let place = FreshFolder(folder.path)
    return try place.undoing {
      var wasThere = false
      switch try RunWriter.open(folder, for: manifest) {
      case .complete: wasThere = true
      case .fresh(let writer), .resumable(let writer):
        if let notice = writer.lockNotice { notes.append(notice) }
        try write(to: writer, check)
      }
      return Outcome(run: try RecordedRun(folder.path), wasThere: wasThere, notes: notes)
    }
  }

  private func write(to writer: RunWriter, _ check: () throws -> Void) throws {
    let sites = maps.layers.map(\.site)
    let recorder = try AttentionRecorder(in: writer, sites: sites, capacity: maps.steps)
    for (step, time) in timesteps.enumerated() {
      let pass = AttentionPass(
        step: step, timestep: time, phase: .denoise, branches: [.conditional])
      for (layer, site) in zip(maps.layers, sites) {
        try check()
        let values = layer.maps(step: step)
        recorder.observe(values.span, at: site, .probabilities, in: pass)
      }
      try recorder.acknowledge(pass)
    }
    try recorder.close()
    if let picture {
      // A PNG file too is not taken as it is: it may be turned by its Exif data, or go on behind its end.
      try writeAtomically(
        try picture.picture.encoded(), to: writer.folder.image, throughLinks: false)
    }
    try writer.complete(seconds: nil, passes: nil)
  }

  private var timesteps: [Double] { facts.timesteps ?? (0..<maps.steps).map(Double.init) }

  private func manifest(sumsToOne: Bool, of imported: RunManifest.Imported) -> RunManifest {
    // Without a picture a cell is a pixel.
    let grid = maps.largestGrid
    let (height, width) = (
      picture?.picture.height ?? grid.rows, picture?.picture.width ?? grid.columns
    )
    let name = Self.name(of: facts.method)
    let layers = maps.layers.count
    return RunManifest(
      status: .running,
      request: RunRequestRecord(
        prompt: table.prompt, seed: facts.seed, rng: "unknown", size: "\(width)x\(height)",
        steps: maps.steps, guidanceScale: 1, method: .init(name: name, knobs: [:]),
        subjects: subjects.map(\.name), pieces: PieceRule.standard.rawValue,
        recording: RecordingPlan(precision: maps.precision)),
      texts: [
        EncodedText(.prompt, table, encoder: table.segments.first?.encoder ?? "text_encoder")
      ], subjects: subjects, height: height, width: width,
      frames: maps.layers[0].frames, timesteps: timesteps,
      guidance: RunManifest.Guidance(kind: .none), scheduler: ["name": "unknown"],
      imported: imported,
      method: RunManifest.Method(
        name: name, title: Methods.named(name)?.title ?? facts.method, alteredSteps: 0,
        thresholds: [:], grid: maps.commonGrid, rowsSumToOne: sumsToOne ? nil : false),
      model: RunManifest.Model(name: facts.model, files: [:]),
      provenance: RunProvenance(
        version: HeedVersion.current, date: ISO8601DateFormatter().string(from: Date()),
        host: ProcessInfo.processInfo.hostName, commandLine: commandLine,
        recorder: RunProvenance.Recorder(
          name: Self.recorder, version: HeedVersion.current, versions: [:], device: "unknown",
          dtype: maps.precision.rawValue, backend: "unknown",
          coverage: .init(recorded: layers, layers: layers, left: []))))
  }

  /// What recorded an imported run.
  private static let recorder = "heed import"

  /// A method's name in folders: lower-case letters and digits, and dashes between them.
  private static func name(of method: String) -> String {
    let words = method.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
    return words.isEmpty ? "imported" : words.joined(separator: "-")
  }

  /// Four digits.
  private static func digits(_ value: Double) -> String { String(format: "%.4g", value) }
}

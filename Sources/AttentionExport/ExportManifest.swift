internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText

/// `manifest.json`: what an export holds and how it was made.
struct ExportManifest: Encodable {
  /// What stands in `format`, by which an export is known.
  static let format = "heed-export"
  /// The layout of the folder.
  static let currentVersion = 2
  /// The layouts that are verified; 1 had numbers for methods, branches and phases, and called the
  /// arrays' axis of calls as the tables call a call's number.
  static let readableVersions = 1...2
  static let name = "manifest.json"
  static let schemaName = "manifest.schema.json"

  struct Token: Encodable {
    let token: Int
    let id: Int
    let piece: String
    let word: String?
    let special: String?
  }

  struct Model: Encodable {
    let name: String
    let repository: String?
    let revision: String?
    let files: [String: String]
  }

  struct Run: Encodable {
    let run: Int
    let seed: UInt64
    let rng: String?
    let method: String
    let settings: [String: String]
    let prompt: String
    let negativePrompt: String
    let guidanceScale: Double
    let scheduler: [String: String]
    let steps: Int
    let height: Int
    let width: Int
    let model: Model
    let status: String
    let date: String
    let heedVersion: String
    let calls: Int
    let callsPassedOver: Int
    let picture: String?

    enum CodingKeys: String, CodingKey {
      case picture
      case run, seed, rng, method, settings, prompt, scheduler, steps, height, width, model, status
      case date, calls
      case negativePrompt = "negative_prompt"
      case guidanceScale = "guidance_scale"
      case heedVersion = "heed_version"
      case callsPassedOver = "calls_passed_over"
    }
  }

  struct Selection: Encodable {
    let layers: [String]?
    let heads: [Int]?
    let tokens: [Int]?
    let steps: [Int]?
    let branches: [String]?
    let phases: [String]?
  }

  struct Axis: Encodable {
    let name: String
    let size: Int
    /// What stands at each place, where it is not the place itself.
    let labels: [Int]?
    /// What the labels below 0 of tokens are sums over.
    let sums: [String]?
  }

  struct Array: Encodable {
    let name: String
    let kind: String
    let description: String
    let layer: String?
    let attention: String?
    let axes: [Axis]
    let dtype: String
    let units: String
    let missingBlocks: Int
    let files: [String: String]

    enum CodingKeys: String, CodingKey {
      case name, kind, description, layer, attention, axes, dtype, units, files
      case missingBlocks = "missing_blocks"
    }
  }

  let format = ExportManifest.format
  let formatVersion = ExportManifest.currentVersion
  let heedVersion: String
  let order = "C"
  let byteOrder = "little"
  let command: String
  let prompt: String
  let tokens: [Token]
  let negativePrompt: String?
  let negativeTokens: [Token]?
  let subjects: [Subject]
  let plan: RecordingPlan?
  let selection: Selection
  let recipe: String?
  let runs: [Run]
  let arrays: [Array]
  let missingBlocks: Int
  let files: [ExportedFile]

  enum CodingKeys: String, CodingKey {
    case format, order, command, prompt, tokens, subjects, plan, selection, recipe, runs, arrays
    case files
    case negativePrompt = "negative_prompt"
    case negativeTokens = "negative_tokens"
    case formatVersion = "format_version"
    case heedVersion = "heed_version"
    case byteOrder = "byte_order"
    case missingBlocks = "missing_blocks"
  }
}

extension ExportManifest {
  init(_ export: Export, _ places: [ExportFormat: [String: String]], _ files: [ExportedFile]) {
    let manifest = export.runs.runs[0].manifest
    let table = manifest.tokens
    heedVersion = export.version
    command = export.command
    prompt = table.prompt
    tokens = Self.tokens(table)
    negativePrompt = export.tables.negative?.prompt
    negativeTokens = export.tables.negative.map(Self.tokens)
    subjects = manifest.subjects
    plan = manifest.plan
    selection = Selection(export.request.selection)
    recipe = export.recipe?.description
    runs = export.runs.runs.enumerated().map { index, run in
      Run(
        run, index, passedOver: export.passedOver[index], picture: export.runs.pictures[index])
    }
    arrays = export.arrays.map { array in
      Array(
        array,
        files: Dictionary(
          uniqueKeysWithValues: places.compactMap { format, names in
            names[array.name].map { (format.rawValue, $0) }
          }))
    }.filter { !$0.files.isEmpty }
    missingBlocks = export.missingBlocks
    self.files = files
  }

  private static func tokens(_ table: TokenTable) -> [Token] {
    table.tokens.map { token in
      Token(
        token: token.index, id: token.id, piece: token.piece,
        word: table.word(of: token.index)?.text, special: token.special?.rawValue)
    }
  }
}

extension ExportManifest.Selection {
  init(_ selection: RecordingSelection) {
    layers = selection.layers
    heads = selection.heads
    tokens = selection.tokens
    steps = selection.steps.map { [$0.lowerBound, $0.upperBound] }
    branches = selection.branches.map { set in
      Branch.allCases.filter(set.contains).map(\.rawValue)
    }
    phases = selection.phases.map { set in Phase.allCases.filter(set.contains).map(\.rawValue) }
  }
}

extension ExportManifest.Run {
  init(_ recorded: RecordedRun, _ index: Int, passedOver: Int, picture: String?) {
    let manifest = recorded.manifest
    run = index
    seed = manifest.seed
    rng = manifest.rng
    method = manifest.method.name
    settings = manifest.settings
    prompt = manifest.tokens.prompt
    negativePrompt = manifest.negativePrompt
    guidanceScale = manifest.guidanceScale
    scheduler = manifest.scheduler
    steps = manifest.steps
    height = manifest.height
    width = manifest.width
    // A run names files outside the checkpoint's folder by where they were.
    let files = manifest.model.files.map { name, digest in
      (name.hasPrefix("/") ? String(name.split(separator: "/").last ?? "") : name, digest)
    }.sorted { $0 < $1 }
    model = ExportManifest.Model(
      name: manifest.model.name, repository: manifest.model.repository,
      revision: manifest.model.revision, files: Dictionary(files) { first, _ in first })
    status = manifest.status.rawValue
    date = manifest.date
    heedVersion = manifest.version
    calls = recorded.calls.count
    callsPassedOver = passedOver
    self.picture = picture
  }
}

extension ExportManifest.Array {
  init(_ array: ExportedArray, files: [String: String]) {
    name = array.name
    kind = array.kind.rawValue
    description = array.attributes.longName
    layer = array.layer?.path
    attention = array.layer?.kind.rawValue
    axes = array.axes.map { axis in
      ExportManifest.Axis(
        name: axis.name, size: axis.labels.count, labels: axis.isPlain ? nil : axis.labels,
        sums: axis.sums.isEmpty ? nil : axis.sums)
    }
    dtype = array.type.name
    units = array.attributes.units ?? "1"
    missingBlocks = array.missing.count
    self.files = files
  }
}

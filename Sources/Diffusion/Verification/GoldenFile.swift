internal import AttentionTrace
internal import TensorEngine

/// `golden.json` and `golden.safetensors`: what diffusers computes with a checkpoint.
struct GoldenFile {
  /// A whole run of a pipeline, of which the latent and the picture are kept.
  struct Image {
    let name: String
    let prompt: String
    let tokens: [Int]?
    let seed: UInt64
    let losses: [Double]
  }

  /// How the two end-to-end runs are made; the fixtures' way where the description is silent.
  struct EndToEnd {
    var steps = 6
    /// Attend-and-Excite alters the latent while the iteration is below this.
    var maxIterations = 4
    var thresholds: [Int: Double] = [0: 0.05, 2: 0.55]
  }

  /// What a side of a latent or of an attention grid can be.
  static let sides = 1...4096

  let tensors: SafetensorsFile
  /// Tensor names in the order of the description.
  let names: [String]
  let prompts: [String]
  let tokenIndices: [[Int]]
  let latent: Grid
  let grid: Grid
  let losses: [Double]
  let images: [Image]
  let endToEnd: EndToEnd

  /// Reads both files of `folder`.
  /// - Parameter end: The index of a prompt's end token, below which its subjects' tokens are.
  /// - Throws: `FileError`: a file is missing, or says what cannot be.
  init(folder: String, end: (String) -> Int) throws {
    tensors = try SafetensorsFile(path: folder + "/golden.safetensors")
    let json = try StrictJSON.read(path: folder + "/golden.json")
    names = try json.member("tensors").object().keys
    for name in names where tensors.entry(name) == nil {
      throw json.failure("names \(FileError.quoted(name)), which golden.safetensors lacks")
    }
    prompts = try json.member("prompts").strings()
    let indices = try json.member("token_indices").elements()
    guard indices.count == prompts.count, !prompts.isEmpty else {
      throw json.failure("expected token indices for each of \(prompts.count) prompts")
    }
    tokenIndices = try zip(indices, prompts).map { try Self.tokens($0, before: end($1)) }
    latent = try Self.grid(json.member("latent"))
    grid = try Self.grid(json.member("attention_grid"))
    losses =
      try json.optionalMember("ae_loss_evaluations")?.elements().map { try $0.double() } ?? []
    images = try json.optionalMember("images")?.elements().map { try Self.image($0, end) } ?? []
    endToEnd = try json.optionalMember("e2e").map(Self.endToEnd) ?? EndToEnd()
  }

  private static func endToEnd(_ json: JSONNode) throws -> EndToEnd {
    let steps = try json.member("steps")
    let thresholds = try json.member("thresholds")
    var result = EndToEnd()
    result.steps = try steps.integer()
    result.maxIterations = try json.member("max_iter_to_alter").integer()
    result.thresholds = [:]
    for key in try thresholds.object().keys {
      guard let iteration = Int(key) else {
        throw thresholds.failure("expected iterations as keys, got \(FileError.quoted(key))")
      }
      result.thresholds[iteration] = try thresholds.member(key).double()
    }
    guard (1...1000).contains(result.steps) else {
      throw steps.failure("expected 1…1000, got \(result.steps)")
    }
    return result
  }

  private static func grid(_ json: JSONNode) throws -> Grid {
    let sides = try json.integers()
    guard sides.count == 2, sides.allSatisfy(Self.sides.contains) else {
      throw json.failure("expected rows and columns, 1…4096 of each")
    }
    return Grid(rows: sides[0], columns: sides[1])
  }

  private static func tokens(_ json: JSONNode, before end: Int) throws -> [Int] {
    let tokens = try json.integers()
    guard !tokens.isEmpty else { throw json.failure("expected one token or more, got none") }
    if let token = tokens.first(where: { $0 < 1 || $0 >= end }) {
      throw json.failure("expected tokens of the prompt, from 1 and below \(end), got \(token)")
    }
    return tokens
  }

  private static func image(_ json: JSONNode, _ end: (String) -> Int) throws -> Image {
    let seed = try json.member("seed")
    guard let number = UInt64(exactly: try seed.integer()) else {
      throw seed.failure("expected a seed of 0 or more")
    }
    let prompt = try json.member("prompt").string()
    return Image(
      name: try json.member("name").string(), prompt: prompt,
      tokens: try json.optionalMember("token_indices").map {
        try Self.tokens($0, before: end(prompt))
      },
      seed: number,
      losses: try json.optionalMember("losses")?.elements().map { try $0.double() } ?? [])
  }
}

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

  init(folder: String) throws {
    tensors = try SafetensorsFile(path: folder + "/golden.safetensors")
    let json = try StrictJSON.read(path: folder + "/golden.json")
    names = try json.member("tensors").object().keys
    for name in names where tensors.entry(name) == nil {
      throw json.failure("names \(FileError.quoted(name)), which golden.safetensors lacks")
    }
    prompts = try json.member("prompts").strings()
    tokenIndices = try json.member("token_indices").elements().map { try $0.integers() }
    guard tokenIndices.count == prompts.count, !prompts.isEmpty else {
      throw json.failure("expected token indices for each of \(prompts.count) prompts")
    }
    latent = try Self.grid(json.member("latent"))
    grid = try Self.grid(json.member("attention_grid"))
    losses =
      try json.optionalMember("ae_loss_evaluations")?.elements().map { try $0.double() } ?? []
    images = try json.optionalMember("images")?.elements().map(Self.image) ?? []
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

  private static func image(_ json: JSONNode) throws -> Image {
    let seed = try json.member("seed")
    guard let number = UInt64(exactly: try seed.integer()) else {
      throw seed.failure("expected a seed of 0 or more")
    }
    return Image(
      name: try json.member("name").string(), prompt: try json.member("prompt").string(),
      tokens: try json.optionalMember("token_indices")?.integers(),
      seed: number,
      losses: try json.optionalMember("losses")?.elements().map { try $0.double() } ?? [])
  }
}

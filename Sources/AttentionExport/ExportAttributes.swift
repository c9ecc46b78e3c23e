internal import AttentionAnalysis
internal import AttentionTrace
internal import PromptText

/// What a store or a safetensors file says of the runs it was made of, without the manifest.
struct ExportAttributes: Encodable, Sendable {
  static let conventions = "CF-1.11"

  let conventions = Self.conventions
  let comment: String
  let version: String
  let model: String
  let prompt: String
  /// The spelling of every token of the window.
  let pieces: [String]
  /// The negative prompt and its tokens' spelling, where maps of the unconditional branch are there.
  let negativePrompt: String?
  let negativePieces: [String]?
  let recipe: String?
  let seeds: [UInt64]
  let methods: [String]
  /// The names of the words that the loss reads.
  let subjects: [String]

  enum CodingKeys: String, CodingKey {
    case conventions = "Conventions"
    case comment
    case version = "heed_version"
    case model, prompt
    case pieces = "token_pieces"
    case negativePrompt = "negative_prompt"
    case negativePieces = "negative_token_pieces"
    case recipe, seeds, methods, subjects
  }

  init(_ runs: AlignedRuns, _ tables: BranchTables, recipe: Recipe?, version: String) {
    let manifest = runs.runs[0].manifest
    comment =
      recipe == nil
      ? """
      Attention probabilities. \(runs.sums) A call is one pass through the denoiser for one branch of \
      guidance. Rows run downwards, columns to the right. NaN stands for maps whose chunk is gone.
      """ + runs.reductions
      : """
      Maps made of attention probabilities by the recipe. Rows run downwards, columns to the right. \
      NaN stands for calls of which a chunk is gone.
      """
    self.version = version
    model = manifest.model.name
    prompt = manifest.tokens.prompt
    pieces = manifest.tokens.tokens.map(\.piece)
    negativePrompt = tables.negative?.prompt
    negativePieces = tables.negative?.tokens.map(\.piece)
    self.recipe = recipe?.description
    seeds = runs.runs.map(\.manifest.seed)
    methods = runs.runs.map(\.manifest.method.name)
    subjects = manifest.subjects.map(\.name)
  }

  /// The same as texts by key.
  var texts: [String: String] {
    var texts = [
      "comment": comment, "heed_version": version, "model": model, "prompt": prompt,
      "token_pieces": pieces.joined(separator: " "),
      "seeds": seeds.map(String.init).joined(separator: " "),
      "methods": methods.joined(separator: " "), "subjects": subjects.joined(separator: ", "),
    ]
    texts["recipe"] = recipe
    texts["negative_prompt"] = negativePrompt
    texts["negative_token_pieces"] = negativePieces?.joined(separator: " ")
    return texts
  }
}

internal import Foundation
import PromptText
internal import TensorEngine

/// What a store says of the run it belongs to, so that it can be read without `run.json`.
struct StoreAttributes: Codable, Equatable {
  var conventions = "CF-1.11"
  var comment: String
  var version: String
  var model: String
  var method: String
  var seed: UInt64
  var prompt: String
  /// The spelling of every token of the window, padding included.
  var pieces: [String]
  /// The negative prompt, and the spelling of every token of it, where calls of the unconditional
  /// branch are kept: the tokens of their maps.
  var negativePrompt: String?
  var negativePieces: [String]?
  var subjects: [Subject]
  var precision: RecordingPlan.Precision
  var sites: [RecordedSite]
  /// The layers whose queries are there; `nil` for none.
  var queries: [AttentionSite]?

  enum CodingKeys: String, CodingKey {
    case conventions = "Conventions"
    case comment
    case version = "heed_version"
    case model, method, seed, prompt
    case pieces = "token_pieces"
    case negativePrompt = "negative_prompt"
    case negativePieces = "negative_token_pieces"
    case subjects, precision, sites, queries
  }

  /// Why the first array that is not read is not; `nil` where all are.
  var flaw: String? {
    if let flaw = arrays.lazy.compactMap({ $0.flaw(precision) }).first { return flaw }
    var names: Set<String> = []
    return arrays.first { !names.insert($0.name).inserted }.map {
      "site '\($0.name)' is there twice"
    }
  }

  /// The arrays of maps and of queries.
  var arrays: [RecordedArray] {
    sites.map(RecordedArray.maps) + (queries ?? []).map(RecordedArray.queries)
  }

  /// What the store says of the run that `run.json` says otherwise.
  func contradictions(of manifest: RunManifest) -> [String] {
    let pairs = [
      ("seed", "\(seed)", "\(manifest.seed)"),
      ("prompt", prompt, manifest.tokens.prompt),
      ("method", method, manifest.method.name),
      ("model", model, manifest.model.name),
      ("precision", precision.rawValue, manifest.plan?.precision.rawValue ?? precision.rawValue),
    ]
    var found = pairs.filter { $1 != $2 }.map { what, here, there in
      "\(what) is \(here), but run.json says \(there)"
    }
    if pieces != manifest.tokens.tokens.map(\.piece) {
      found.append("token_pieces are not the pieces of run.json's tokens")
    }
    if let negativePieces,
      negativePieces != manifest.tokens(of: .unconditional)?.tokens.map(\.piece)
    {
      found.append("negative_token_pieces are not the pieces of run.json's negative prompt")
    }
    if subjects != manifest.subjects { found.append("subjects are not those of run.json") }
    if manifest.plan == nil { found.append("run.json has no plan of a recording") }
    return found
  }
}

extension StoreAttributes {
  /// Reads the attributes of a store from the bytes of its `zarr.json`.
  /// - Throws: `DecodingError`.
  init(group bytes: [UInt8]) throws {
    struct Group: Decodable { let attributes: StoreAttributes }
    self = try JSONDecoder().decode(Group.self, from: Data(bytes)).attributes
  }
}

extension RecordedArray {
  /// Why an array that a file describes is not read; `nil` where it is.
  func flaw(_ precision: RecordingPlan.Precision) -> String? {
    if StoreLayout.isTaken(site.path) {
      return "site '\(site.path)' has a name that stands for something else in a store"
    }
    guard isPossible else { return "impossible site '\(site.path)'" }
    let (bytes, limit) = (count * precision.bytes, FileLimit.chunk.value)
    return bytes <= limit
      ? nil
      : "site '\(site.path)' has chunks of \(bytes) bytes, expected at most \(limit)"
        + FileLimit.chunk.advice
  }

  /// The longest name of a layer in bytes: with `.queries` behind it, it is still a folder's.
  private static let longestName = 247

  /// Whether an array can be one: a folder's name, and extents that fit its indices.
  private var isPossible: Bool {
    let extents = [
      site.heads, site.frames ?? 1, site.grid.rows, site.grid.columns, site.keys, site.width ?? 1,
    ]
    let ascending = { (indices: [Int], limit: Int) in
      zip(indices, indices.dropFirst()).allSatisfy(<) && indices.first ?? 0 >= 0
        && indices.last ?? 0 < limit
    }
    guard (1...Self.longestName).contains(site.path.utf8.count), !site.path.hasPrefix("."),
      !site.path.utf8.contains(where: { $0 < 0x20 || [0x2F, 0x7F].contains($0) }),
      extents.allSatisfy(Grid.extents.contains),
      extents.dropLast().reduce(1.0, { $0 * Double($1) }) < 0x1p40
    else { return false }
    switch self {
    case .queries: return site.width.map { $0 % site.heads == 0 } ?? false
    case .maps(let recorded):
      let sums = recorded.summedColumns
      return !recorded.heads.isEmpty && ascending(recorded.heads, site.heads)
        && ascending(recorded.tokens ?? [], site.keys) && !(recorded.tokens?.isEmpty ?? false)
        && sums.allSatisfy { !$0.name.isEmpty && (0...site.keys).contains($0.keys) }
        && Set(sums.map(\.name)).count == sums.count
        && recorded.keys + sums.reduce(0) { $0 + $1.keys } <= site.keys
        && (1...site.grid.rows).contains(recorded.grid.rows)
        && (1...site.grid.columns).contains(recorded.grid.columns)
    }
  }
}

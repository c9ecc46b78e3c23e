internal import Foundation
internal import PromptText
internal import TensorEngine

extension RunManifest: Codable {
  private enum CodingKeys: String, CodingKey {
    case format, status, request, texts, subjects, height, width, frames, timesteps, sigmas
    case denoiserTimes, guidance, scheduler, picture, imported, method, model
    case passes, provenance
  }

  private enum MethodKeys: String, CodingKey {
    case name, title, alteredSteps, thresholds, grid, rowsSumToOne
  }

  /// Reads a manifest of format 2, or of format 1.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    format = try container.decode(Int.self, forKey: .format)
    guard format > 1 else {
      self = try FirstFormat(from: decoder).manifest
      try refuseImpossibleValues(decoder)
      return
    }
    status = try container.decode(Status.self, forKey: .status)
    request = try container.decode(RunRequestRecord.self, forKey: .request)
    texts = try container.decode([EncodedText].self, forKey: .texts)
    guard texts.first?.role == .prompt else {
      throw DecodingError.dataCorruptedError(
        forKey: .texts, in: container, debugDescription: "expected the prompt as the first text")
    }
    subjects = try container.decode([Subject].self, forKey: .subjects)
    height = try container.decode(Int.self, forKey: .height)
    width = try container.decode(Int.self, forKey: .width)
    frames = try container.decodeIfPresent(Int.self, forKey: .frames)
    timesteps = try container.decode([Double].self, forKey: .timesteps)
    sigmas = try container.decodeIfPresent([Double].self, forKey: .sigmas)
    denoiserTimes = try container.decodeIfPresent([Double].self, forKey: .denoiserTimes)
    guidance = try container.decodeIfPresent(Guidance.self, forKey: .guidance)
    scheduler = try container.decode([String: String].self, forKey: .scheduler)
    picture = try container.decodeIfPresent(Picture.self, forKey: .picture)
    imported = try container.decodeIfPresent(Imported.self, forKey: .imported)
    model = try container.decode(Model.self, forKey: .model)
    passes = try container.decodeIfPresent(UNetPasses.self, forKey: .passes)
    provenance = try container.decode(RunProvenance.self, forKey: .provenance)
    let keys = try container.nestedContainer(keyedBy: MethodKeys.self, forKey: .method)
    method = Method(
      name: try keys.decode(String.self, forKey: .name),
      title: try keys.decodeIfPresent(String.self, forKey: .title),
      alteredSteps: try keys.decode(Int.self, forKey: .alteredSteps),
      thresholds: try keys.decode([Int: Double].self, forKey: .thresholds),
      grid: try keys.decode(Grid.self, forKey: .grid),
      rowsSumToOne: try keys.decodeIfPresent(Bool.self, forKey: .rowsSumToOne))
    try refuseImpossibleValues(decoder)
  }

  private func refuseImpossibleValues(_ decoder: any Decoder) throws {
    guard let (place, reason) = impossibleValue else { return }
    throw DecodingError.dataCorrupted(
      .init(codingPath: decoder.codingPath + [Place(place)], debugDescription: reason))
  }

  /// A place in the file, as a key.
  private struct Place: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ place: String) { stringValue = place }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Writes format 2.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(format, forKey: .format)
    try container.encode(status, forKey: .status)
    try container.encode(request, forKey: .request)
    try container.encode(texts, forKey: .texts)
    try container.encode(subjects, forKey: .subjects)
    try container.encode(height, forKey: .height)
    try container.encode(width, forKey: .width)
    try container.encodeIfPresent(frames, forKey: .frames)
    try container.encode(timesteps, forKey: .timesteps)
    try container.encodeIfPresent(sigmas, forKey: .sigmas)
    try container.encodeIfPresent(denoiserTimes, forKey: .denoiserTimes)
    try container.encodeIfPresent(guidance, forKey: .guidance)
    try container.encode(scheduler, forKey: .scheduler)
    try container.encodeIfPresent(picture, forKey: .picture)
    try container.encodeIfPresent(imported, forKey: .imported)
    try container.encode(model, forKey: .model)
    try container.encodeIfPresent(passes, forKey: .passes)
    try container.encode(provenance, forKey: .provenance)
    var keys = container.nestedContainer(keyedBy: MethodKeys.self, forKey: .method)
    try keys.encode(method.name, forKey: .name)
    try keys.encodeIfPresent(method.title, forKey: .title)
    try keys.encode(method.alteredSteps, forKey: .alteredSteps)
    try keys.encode(method.thresholds, forKey: .thresholds)
    try keys.encode(method.grid, forKey: .grid)
    try keys.encodeIfPresent(method.rowsSumToOne, forKey: .rowsSumToOne)
  }
}

extension RunManifest {
  /// The manifest's bytes: keys sorted, one a line.
  var json: [UInt8] {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
  }

  /// The manifest of a run, without its calls; `nil` if there is no such run.
  /// - Throws: `TraceError` for one that cannot be read.
  package static func read(_ folder: RunFolder) throws -> RunManifest? {
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    return try read(in: Directory(path: folder.path))
  }

  /// The manifest in a run's folder; `nil` if there is none.
  static func read(in run: Directory) throws -> RunManifest? {
    struct Version: Decodable { let format: Int }
    guard let bytes = try run.description(RunFolder.manifestName) else { return nil }
    let path = run.path(of: RunFolder.manifestName)
    do {
      try StrictJSON.check(bytes)
      let version = try JSONDecoder().decode(Version.self, from: Data(bytes))
      guard (1...currentFormat).contains(version.format) else {
        throw TraceError.malformed(
          path: path,
          reason:
            "format \(version.format), expected 1 to \(currentFormat): written by another Heed")
      }
      return try JSONDecoder().decode(RunManifest.self, from: Data(bytes))
    } catch let error as TraceError {
      throw error
    } catch {
      throw TraceError.malformed(path: path, reason: reason(of: error))
    }
  }

  /// The first field, in the order of names, in which two runs differ that are not the same run.
  ///
  /// A method comes last: its knobs can follow from what else was asked for, which is what a person
  /// changed.
  package func difference(
    from wanted: RunManifest
  ) throws -> (field: String, here: String, wanted: String)? {
    // Of a large benchmark that goes on, nearly every run is the one that is wanted: that is told by its bytes.
    var same = self
    (same.passes, same.provenance, same.status) = (wanted.passes, wanted.provenance, wanted.status)
    if try same.json == wanted.json { return nil }
    func tree(_ manifest: RunManifest) throws -> JSONTree {
      let tree = try JSONTree(manifest.json)
      return ["passes", "provenance", "status"].reduce(tree) { $0.without($1) }
    }
    func withoutMethod(_ tree: JSONTree) -> JSONTree {
      guard case .object(var fields) = tree.without("method").without("texts") else { return tree }
      fields["request"] = fields["request"]?.without("method")
      return .object(fields)
    }
    let (here, there) = (try tree(self), try tree(wanted))
    return withoutMethod(here).difference(from: withoutMethod(there), at: "")
      ?? here.difference(from: there, at: "")
  }
}

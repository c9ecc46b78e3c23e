import AttentionTrace
public import Drawing
import Figures
import Foundation
import Pictures
import RecordingProbe
public import Testing

/// What a program printed, and whether it ended well.
struct ProgramResult {
  var output: String
  var status: Int32
}

/// Runs a program that `make test` installs.
func run(
  _ program: String, _ arguments: [String], environment: [String: String] = [:],
  folder: URL? = nil
) throws -> ProgramResult {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  process.currentDirectoryURL = folder
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return ProgramResult(
    output: String(decoding: data, as: UTF8.self), status: process.terminationStatus)
}

/// A folder that is gone after `body`.
func withFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("figures-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// What the methods of synthetic runs are called in figures.
private let titles = [
  "stable-diffusion": "Stable Diffusion", "attend-and-excite": "Attend-and-Excite",
  "explain": "Explained picture",
]

/// Records a synthetic run, sets members of its manifest, and what its store says of them.
func recordSynthetic(
  _ folder: URL, _ method: String, seed: Int, _ members: [String: Any], steps: Int = 3,
  prompt: String? = nil, knobs: [String: String]? = nil,
  alteredSteps: Int? = nil
) throws -> RecordedRun {
  var recorded = SyntheticRun(plan: RecordingPlan(precision: .float32), steps: steps)
  if let prompt { recorded.prompt = prompt }
  try recorded.record(into: RunFolder(path: folder.path))
  try edit(folder.appendingPathComponent("run.json")) { manifest in
    var named = manifest["method"] as? [String: Any] ?? [:]
    named["name"] = method
    named["title"] = titles[method]
    named["alteredSteps"] = alteredSteps ?? named["alteredSteps"]
    manifest["method"] = named
    var request = manifest["request"] as? [String: Any] ?? [:]
    var asked = request["method"] as? [String: Any] ?? [:]
    asked["knobs"] = knobs ?? asked["knobs"]
    request.merge(["method": asked, "seed": seed]) { $1 }
    for (name, value) in members {
      if ["guidanceScale", "negativePrompt", "rng", "seed"].contains(name) {
        request[name] = value
      } else {
        manifest[name] = value
      }
    }
    manifest["request"] = request
  }
  try edit(folder.appendingPathComponent("attention.zarr/zarr.json")) { group in
    var attributes = group["attributes"] as? [String: Any] ?? [:]
    attributes["method"] = method
    attributes["seed"] = members["seed"] ?? seed
    attributes["subjects"] = members["subjects"] ?? attributes["subjects"]
    attributes["model"] = (members["model"] as? [String: Any])?["name"] ?? attributes["model"]
    group["attributes"] = attributes
  }
  try Picture(width: 2, height: 2, pixels: [UInt8](repeating: 9, count: 12)).write(
    to: folder.path + "/image.png")
  return try RecordedRun(folder.path)
}

/// Says of each pass that predicted the noise what an objective would have measured: `[step]` the
/// scores of both subjects, and the loss that follows; and of the latent how far it was moved and how
/// large it is.
func measure(
  _ folder: URL, _ scores: [[Float]], tries: [Int: Int] = [:], moved: [Float]? = nil,
  latents: [Float]? = nil
) throws -> RecordedRun {
  let file = folder.appendingPathComponent("calls.jsonl")
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  let calls = try RecordedRun(folder.path).calls.map { call in
    var measurement = call.measurement
    if call.phase == .denoise {
      let values = call.branch == .conditional ? scores[call.step] : []
      measurement =
        values.isEmpty
        ? nil
        : PassMeasurement(
          loss: 1 - (values.min() ?? 0), scores: values,
          displacement: moved.map { LatentDisplacement(norm: $0[call.step], latentNorm: 10) },
          latentMagnitude: latents?[call.step])
    }
    return CallRecord(
      call: call.call, step: call.step, timestep: call.timestep, branch: call.branch,
      phase: call.phase, attempt: call.phase == .loss ? tries[call.step] ?? 0 : call.attempt,
      measurement: measurement, checksums: call.checksums)
  }
  try calls.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }.joined()
    .write(to: file, atomically: true, encoding: .utf8)
  return try RecordedRun(folder.path)
}

/// Changes an object that a file of JSON holds.
private func edit(_ file: URL, _ change: (inout [String: Any]) -> Void) throws {
  var object =
    try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
  change(&object)
  try JSONSerialization.data(withJSONObject: object).write(to: file)
}

/// The committed files beside the tests.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("Fixtures")

extension Scene {
  /// All lines of text.
  var texts: [Text] {
    var texts: [Text] = []
    visit { _, node in
      if case .text(let text) = node { texts.append(text) }
    }
    return texts
  }

  /// Where pictures and maps lie, with the groups they are in.
  var panels: [(path: [String], frame: Rect)] {
    var panels: [([String], Rect)] = []
    visit { path, node in
      switch node {
      case .image(_, let frame), .gradient(_, let frame): panels.append((path, frame))
      case .cells(let cells): panels.append((path, cells.frame))
      default: break
      }
    }
    return panels
  }
}

extension Scene.Rect {
  /// Whether the two share more than an edge.
  func overlaps(_ other: Scene.Rect) -> Bool {
    let slack = 1e-6
    return x < other.maxX - slack && other.x < maxX - slack && y < other.maxY - slack
      && other.y < maxY - slack
  }
}

/// Every label is on the page, of 6 points or more, readable, and covers no other and no panel.
func checkStructure(of scene: Scene) {
  let texts = scene.texts
  for (index, text) in texts.enumerated() {
    let box = text.box
    #expect(text.size >= 6, "\(text.string)")
    #expect(
      box.x >= 0 && box.y >= 0 && box.maxX <= scene.width && box.maxY <= scene.height,
      "“\(text.string)” leaves the page")
    for other in texts[(index + 1)...] where box.overlaps(other.box) {
      Issue.record("“\(text.string)” and “\(other.string)” overlap")
    }
    #expect(background(of: text, in: scene).contrast(to: text.color) >= 4.5, "\(text.string)")
  }
  let panels = scene.panels
  for (index, panel) in panels.enumerated() {
    let frame = panel.frame
    #expect(
      frame.x >= 0 && frame.y >= 0 && frame.maxX <= scene.width && frame.maxY <= scene.height)
    for other in panels[(index + 1)...] where frame.overlaps(other.frame) {
      #expect(panel.path == other.path && frame == other.frame)
    }
    for text in texts where text.box.overlaps(frame) {
      Issue.record("“\(text.string)” lies on a panel")
    }
  }
}

/// The colour of the last rectangle below a text.
private func background(of text: Scene.Text, in scene: Scene) -> Color {
  var color = scene.paper
  let center = (text.box.x + text.box.width / 2, text.box.y + text.box.height / 2)
  scene.visit { _, node in
    if case .rectangle(let rect, let fill?, _) = node, rect.x <= center.0, center.0 <= rect.maxX,
      rect.y <= center.1, center.1 <= rect.maxY
    {
      color = fill
    }
  }
  return color
}

/// Compares a scene with the one of that name that is committed; with HEED_RECORD_GOLDENS, writes it.
func expectGolden(_ scene: Scene, _ name: String) throws {
  let file = fixtures.appendingPathComponent("\(name).scene.json")
  if ProcessInfo.processInfo.environment["HEED_RECORD_GOLDENS"] != nil {
    try scene.json.write(to: file, atomically: true, encoding: .utf8)
    Issue.record("recorded \(file.lastPathComponent); look at it, then run without recording")
    return
  }
  let expected = try String(contentsOf: file, encoding: .utf8)
  for (index, (line, other)) in zip(
    expected.split(separator: "\n"), scene.json.split(separator: "\n")
  ).enumerated() where line != other {
    Issue.record("line \(index + 1): expected \(line.prefix(300)), got \(other.prefix(300))")
    break
  }
  #expect(expected.utf8.count == scene.json.utf8.count)
}

extension Picture {
  /// The mean of the green samples of every square of 4 × 4 pixels.
  var means: [Double] {
    var means: [Double] = []
    for top in stride(from: 0, to: height - 3, by: 4) {
      for left in stride(from: 0, to: width - 3, by: 4) {
        var sum = 0
        for row in top..<(top + 4) {
          for column in left..<(left + 4) {
            sum += Int(pixels[(row * width + column) * 3 + 1])
          }
        }
        means.append(Double(sum) / 16)
      }
    }
    return means
  }
}

extension ColorMap: CustomTestStringConvertible {
  /// The map's name: its 256 colours would fill the log.
  public var testDescription: String { name }
}

extension SheetLayout {
  /// The layouts of maps in rows and columns, of runs of one picture.
  static let ofMaps = allCases.filter {
    if case .maps = $0.content { $0 != .frames } else { false }
  }

  /// The plan of a layout of maps; of another layout, one without rows and columns.
  var mapPlan: MapSheetPlan {
    if case .maps(let plan) = content { plan } else { MapSheetPlan(rows: [], columns: []) }
  }
}

import Foundation
import TensorEngine
import TestSupport
import Testing

/// The same command gives the same bytes, wherever and however often it is run.
@Suite("The same bytes everywhere")
struct DeterminismTests {
  private static let generate = [
    "generate", OutputFolderTests.prompt, "--seeds", "0", "--steps", "3", "--layers", "*",
  ]
  private static let run = "runs/a-cat-and-a-frog/attend-and-excite/seed-0"

  /// Time zones, locales, folders and numbers of threads.
  private static let places: [(folder: String, environment: [String: String])] = [
    ("plain", [:]),
    (
      "with spaces/und Ümläuten",
      ["TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "HEED_THREADS": "1"]
    ),
    ("x", ["TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "HEED_THREADS": "2"]),
    (
      "a/deeper/folder/than/the/others",
      [
        "TZ": "Pacific/Apia", "LC_ALL": "C", "LANG": "C", "HOME": "/nonexistent",
        "HEED_THREADS": "3",
      ]
    ),
  ]

  /// What `run.json` holds but for when, where and how fast the run was made.
  private func manifest(_ path: String) throws -> NSDictionary {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path + "/run.json"))
    var members = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    #expect(members.removeValue(forKey: "provenance") != nil)
    return members as NSDictionary
  }

  @Test(
    "A run has the same bytes in any time zone, locale and folder, and with any number of threads")
  func runs() throws {
    let folder = try TemporaryFolder()
    var first: (contents: RunContents, manifest: NSDictionary)?
    for attempt in 0..<Torture.count(1, whole: 3) {
      for (name, environment) in Self.places {
        let place = "\(folder.path)/\(attempt)/\(name)"
        try FileManager.default.createDirectory(
          atPath: place, withIntermediateDirectories: true)
        let made = try HeedProcess.run(Self.generate, in: place, environment: environment)
        #expect(made.status == 0, "\(made.stderr)")
        let contents = try RunContents(place + "/" + Self.run)
        let manifest = try manifest(place + "/" + Self.run)
        #expect(
          contents.names.contains("image.png")
            && contents.names.contains("attention.zarr/zarr.json"))
        if let first {
          #expect(contents == first.contents, "\(name)")
          #expect(manifest == first.manifest, "\(name)")
        }
        first = first ?? (contents, manifest)
      }
    }
  }

  /// Draws a run as everything that figures are written as.
  private func figures(
    of run: String, into place: String, environment: [String: String]
  ) throws -> [String: [UInt8]] {
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let ends = ["pdf", "png", "svg"]
    let drawn = try HeedProcess.run(
      ["sheet", run, "--layout", "tokens", "--dpi", "72"] + ends.flatMap { ["-o", "sheet.\($0)"] },
      in: place, environment: environment)
    #expect(drawn.status == 0, "\(drawn.stderr)")
    let page = try HeedProcess.run(
      ["report", run, "-o", "report.html"], in: place, environment: environment)
    #expect(page.status == 0, "\(page.stderr)")
    return try Dictionary(
      uniqueKeysWithValues: (ends.map { "sheet." + $0 } + ["report.html"]).map {
        ($0, [UInt8](try Data(contentsOf: URL(fileURLWithPath: place + "/" + $0))))
      })
  }

  @Test(
    "PDF, PNG, SVG and HTML have the same bytes in any time zone, locale and folder, with any number of threads and any kernels"
  )
  func pages() throws {
    let folder = try TemporaryFolder()
    #expect(try HeedProcess.run(Self.generate, in: folder.path).status == 0)
    let sets = InstructionSet.available.prefix(Torture.count(1, whole: .max))
    let kernels = sets.map { ("kernels", ["HEED_ISA": $0.rawValue]) }
    var first: [String: [UInt8]]?
    for attempt in 0..<Torture.count(1, whole: 3) {
      for (name, environment) in Self.places + kernels {
        let made = try figures(
          of: folder.path + "/" + Self.run, into: "\(folder.path)/\(attempt)/\(name)",
          environment: environment)
        #expect(made.count == 4 && made.values.allSatisfy { $0.count > 1000 })
        for (file, bytes) in first ?? [:] {
          #expect(made[file] == bytes, "\(file) in \(name) with \(environment)")
        }
        first = first ?? made
      }
    }
  }

  @Test(
    "With other kernels a run may round otherwise, and its run.json names them",
    .enabled(if: Torture.isWhole, "make torture tries every set of kernels"))
  func kernels() throws {
    let folder = try TemporaryFolder()
    var same: [String] = []
    var first: RunContents?
    for set in InstructionSet.available.map(\.rawValue) {
      var made: RunContents?
      for attempt in 0..<2 {
        let place = "\(folder.path)/\(set)-\(attempt)"
        try FileManager.default.createDirectory(
          atPath: place, withIntermediateDirectories: true)
        let result = try HeedProcess.run(
          Self.generate, in: place, environment: ["HEED_ISA": set])
        #expect(result.status == 0, "\(result.stderr)")
        let contents = try RunContents(place + "/" + Self.run)
        let manifest = folder.text("\(set)-\(attempt)/\(Self.run)/run.json")
        #expect(manifest.contains("\"instructionSet\" : \"\(set)\""))
        if let made { #expect(contents == made, "\(set)") }
        made = contents
      }
      if made == first { same.append(set) }
      first = first ?? made
    }
    print("kernels that give the first one's bytes: \(same)")
  }
}

import AttentionTrace
import Foundation
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

@Suite("Recorded run")
struct RecordedRunTests {
  /// A finished run of eight calls in a folder of its own.
  private func recorded() throws -> (folder: TemporaryFolder, run: RunFolder) {
    let folder = try TemporaryFolder()
    let run = RunFolder(path: folder.path + "/run")
    try SyntheticRun(plan: SyntheticRun.everything, steps: 2).record(into: run)
    return (folder, run)
  }

  private let site = "mid_block.attentions.0.transformer_blocks.0.attn2"

  @Test("Every flipped bit of a chunk is noticed and the file named")
  func flippedBits() throws {
    let (folder, run) = try recorded()
    let path = run.store + "/\(site)/c.3.0.0.0.0"
    let good = try bytes(path)
    let read = try RecordedRun(run.path)
    var noticed = 0
    for bit in 0..<good.count * 8 {
      var bad = good
      bad[bit / 8] ^= 1 << (bit % 8)
      try overwrite(path, bad)
      let error = #expect(throws: TraceError.self) { try read.maps(site, call: 3) }
      noticed += error?.description.contains(path) ?? false ? 1 : 0
    }
    #expect(noticed == good.count * 8)
    withExtendedLifetime(folder) {}
  }

  @Test("A chunk of any other length is noticed, and one that is gone")
  func truncatedChunks() throws {
    let (folder, run) = try recorded()
    let path = run.store + "/\(site)/c.3.0.0.0.0"
    let good = try bytes(path)
    let read = try RecordedRun(run.path)
    for length in 0..<good.count {
      try overwrite(path, good.prefix(length))
      #expect(throws: TraceError.self) { try read.maps(site, call: 3) }
    }
    try overwrite(path, good + [0])
    #expect(throws: TraceError.self) { try read.maps(site, call: 3) }
    try FileManager.default.removeItem(atPath: path)
    #expect(throws: TraceError.system(action: "read", path: path, code: 2)) {
      try read.maps(site, call: 3)
    }
    withExtendedLifetime(folder) {}
  }

  @Test("A chunk of another call in its place is noticed")
  func exchangedChunks() throws {
    let (folder, run) = try recorded()
    try overwrite(
      run.store + "/\(site)/c.3.0.0.0.0", bytes(run.store + "/\(site)/c.4.0.0.0.0"))
    #expect(throws: TraceError.self) { try RecordedRun(run.path).maps(site, call: 3) }
    withExtendedLifetime(folder) {}
  }

  @Test("A layer or call that the run does not have is refused with those it has")
  func notRecorded() throws {
    let (folder, run) = try recorded()
    let read = try RecordedRun(run.path)
    let error = #expect(throws: TraceError.self) { try read.maps("up.attn2", call: 0) }
    #expect(error?.description.contains(site) ?? false)
    for call in [-1, 8, Int.max] {
      let error = #expect(throws: TraceError.self) { try read.maps(site, call: call) }
      #expect(error?.description.hasSuffix("calls 0..7") ?? false)
    }
    withExtendedLifetime(folder) {}
  }

  @Test("A journal cut anywhere holds the calls whose lines are whole")
  func cutJournal() throws {
    let (folder, run) = try recorded()
    let good = try bytes(run.journal)
    for length in stride(from: 0, through: good.count, by: 7) {
      try overwrite(run.journal, good.prefix(length))
      let whole = good.prefix(length).count { $0 == UInt8(ascii: "\n") }
      #expect(try RecordedRun(run.path).calls.count == whole)
    }
    withExtendedLifetime(folder) {}
  }

  @Test(
    "A bad line that is not the last is an error with its number",
    arguments: [
      "", "{}", "[1]", "{\"call\":1", "\u{FEFF}{}", "null", String(repeating: "[", count: 600),
    ])
  func badLine(_ line: String) throws {
    let (folder, run) = try recorded()
    let lines = String(decoding: try bytes(run.journal), as: UTF8.self).split(separator: "\n")
    let text = ([lines[0], Substring(line)] + lines[2...]).joined(separator: "\n") + "\n"
    try overwrite(run.journal, Array(text.utf8))
    let error = #expect(throws: TraceError.self) { try RecordedRun(run.path) }
    #expect(error?.description.hasPrefix("\(run.journal): line 2: ") ?? false, "\(error as Any)")
    withExtendedLifetime(folder) {}
  }

  @Test("A journal whose calls are not in order is refused")
  func disorder() throws {
    let (folder, run) = try recorded()
    let lines = String(decoding: try bytes(run.journal), as: UTF8.self).split(separator: "\n")
    try overwrite(run.journal, Array(([lines[1], lines[0]].joined(separator: "\n") + "\n").utf8))
    #expect(
      throws: TraceError.malformed(path: run.journal, reason: "line 1: call 1, expected 0")
    ) { try RecordedRun(run.path) }
    withExtendedLifetime(folder) {}
  }

  @Test("run.json and the store's description cut anywhere are refused and named")
  func cutManifest() throws {
    let (folder, run) = try recorded()
    for path in [run.manifest, run.store + "/zarr.json"] {
      let good = try bytes(path)
      // Without its last byte run.json is whole: it ends in a newline.
      for length in stride(from: 0, to: good.count - 1, by: 31) {
        try overwrite(path, good.prefix(length))
        let error = #expect(throws: TraceError.self) { try RecordedRun(run.path) }
        #expect(error?.description.hasPrefix(path) ?? false)
      }
      try overwrite(path, good)
    }
    withExtendedLifetime(folder) {}
  }

  @Test("Another format of run.json is refused by its number, whatever else it holds")
  func otherFormat() throws {
    let (folder, run) = try recorded()
    try overwrite(run.manifest, Array("{\"format\": 3, \"prompt\": 7}".utf8))
    let error = #expect(throws: TraceError.self) { try RecordedRun(run.path) }
    #expect(error?.description.contains("format 3, expected 1 to 2") ?? false)
    withExtendedLifetime(folder) {}
  }

  @Test("No folder, and a folder without run.json, are errors")
  func noRun() throws {
    let folder = try TemporaryFolder()
    #expect(throws: TraceError.system(action: "open", path: folder.path + "/no", code: 2)) {
      try RecordedRun(folder.path + "/no")
    }
    #expect(throws: TraceError.system(action: "read", path: folder.path + "/run.json", code: 2)) {
      try RecordedRun(folder.path)
    }
  }

  @Test(
    "A store that describes impossible sites is refused",
    arguments: [
      ("\"../../../etc\"", "\"\(Self.midBlock)\""), ("\"\"", "\"\(Self.midBlock)\""),
      ("\"heads\" : 9999999", "\"heads\" : 3"), ("\"heads\" : -3", "\"heads\" : 3"),
      ("\"keys\" : 3", "\"keys\" : 7"), ("\"rows\" : 0", "\"rows\" : 1"),
      ("\"frames\" : 0, \"keys\" : 7", "\"keys\" : 7"),
      (
        "\"summedColumns\" : [{\"name\": \"image\", \"keys\": 1}], \"site\" : {", "\"site\" : {"
      ),
      ("\"grid\" : {\"rows\": 9, \"columns\": 9}, \"site\" : {", "\"site\" : {"),
    ])
  func impossibleSites(_ bad: String, _ good: String) throws {
    let (folder, run) = try recorded()
    let path = run.store + "/zarr.json"
    let text = String(decoding: try bytes(path), as: UTF8.self)
    #expect(text.contains(good))
    try overwrite(path, Array(text.replacingOccurrences(of: good, with: bad).utf8))
    let error = #expect(throws: TraceError.self) { try RecordedRun(run.path) }
    #expect(error?.description.contains("impossible site") ?? false)
    withExtendedLifetime(folder) {}
  }

  @Test(
    "A site's optional fields are read, and say which shape its maps have",
    arguments: [
      ("\"kind\" : \"cross\",", "", [3, 1, 2, 7]),
      ("\"kind\" : \"cross\",", "\"kind\" : \"cross\", \"frames\" : 4,", [3, 4, 1, 2, 7]),
      ("\"site\" : {", "\"reducedHeads\" : \"mean\", \"site\" : {", [1, 1, 2, 7]),
      (
        "\"site\" : {", "\"summedColumns\" : [{\"name\": \"padding\", \"keys\": 0}], \"site\" : {",
        [3, 1, 2, 8]
      ),
      ("\"site\" : {", "\"grid\" : {\"rows\": 1, \"columns\": 1}, \"site\" : {", [3, 1, 1, 7]),
    ])
  func optionalFields(_ there: String, _ changed: String, _ shape: [Int]) throws {
    let (folder, run) = try recorded()
    let path = run.store + "/zarr.json"
    let text = String(decoding: try bytes(path), as: UTF8.self)
    #expect(text.contains(there))
    let sites = try RecordedRun(run.path).sites
    try overwrite(path, Array(text.replacingOccurrences(of: there, with: changed).utf8))
    let read = try RecordedRun(run.path).sites
    #expect(read.last?.shape == shape)
    #expect(read.map(\.site.kind) == sites.map(\.site.kind))
    #expect(try JSONDecoder().decode([RecordedSite].self, from: JSONEncoder().encode(read)) == read)
    withExtendedLifetime(folder) {}
  }

  private static let midBlock = "mid_block.attentions.0.transformer_blocks.0.attn2"

  @Test("A run that is being written can be read at any time")
  func readWhileWriting() throws {
    let folder = try TemporaryFolder()
    let run = SyntheticRun(plan: SyntheticRun.everything, steps: 20)
    let path = folder.path + "/run"
    var opened = 0
    try run.record(
      into: RunFolder(path: path),
      progress: { acknowledged in
        let read = try RecordedRun(path)
        #expect(read.calls.count >= acknowledged)
        for site in run.sites {
          guard let last = read.calls.last else { continue }
          #expect(
            try read.maps(site.path, call: last.call)?.values
              == run.maps(site, call: last.call).map { Float(Float16($0)) })
        }
        opened += 1
      })
    #expect(opened == run.passes.count)
  }
}

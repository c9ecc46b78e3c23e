import AttentionTrace
import Foundation
import RecordingProbe
import TensorEngine
import TestSupport
import Testing

/// What a test of kills and faults counted.
struct Tally {
  var kills = 0
  var faults = 0
  var checked = 0
  var lost = 0

  /// Says it in one line, which `make torture` adds up.
  func say(_ title: String) {
    print(
      "\(title): faults: \(faults), kills: \(kills), acknowledged calls checked: \(checked), lost: \(lost)"
    )
  }
}

/// What a recording left behind when it was cut off.
struct Leftover {
  let path: String
  /// What it was to record.
  let run: SyntheticRun

  /// Holds every call that is there to its values and checksums, and their number to what was acknowledged.
  func check(acknowledged: Int, _ tally: inout Tally) throws {
    guard FileManager.default.fileExists(atPath: path + "/run.json") else {
      tally.lost += acknowledged
      return
    }
    let read = try RecordedRun(path)
    tally.lost += max(0, acknowledged - read.calls.count)
    for call in read.calls {
      #expect(call.checksums.count == run.sites.count + read.queriedSites.count)
      for site in read.queriedSites {
        let values = try read.queries(site.path, call: call.call)?.values
        #expect(values == run.queries(site, call: call.call).map { Float(Float16($0)) })
      }
      for site in run.sites {
        let values = try read.maps(site.path, call: call.call)?.values
        #expect(values == run.maps(site, call: call.call).map { Float(Float16($0)) })
      }
      tally.checked += 1
    }
    // What checks the whole store takes as long as all else.
    guard Torture.isWhole || tally.checked % 3 == 0 else { return }
    // Chunks beyond the next call are what a process leaves that ends as it resumes.
    for problem in try RunCheck(path).problems where read.manifest.status == .running {
      #expect(problem.reason.hasSuffix("resuming the run removes it"), "\(problem)")
    }
    try checkStore()
  }

  /// Checks every file of the store: descriptions parse, every chunk's checksum fits, and nothing is
  /// there that is neither, but a file that was being written.
  private func checkStore() throws {
    let store = path + "/attention.zarr"
    guard FileManager.default.fileExists(atPath: store) else { return }
    for (name, data) in try TemporaryFolder.contents(store) {
      let file = name.split(separator: "/").last.map(String.init) ?? name
      if file == "zarr.json" {
        _ = try JSONSerialization.jsonObject(with: data)
      } else if file != ".tmp" {
        #expect(file.hasPrefix("c."), "\(name)")
        let own = data.suffix(4).reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
        #expect(own == referenceChecksum(data.dropLast(4)), "\(name)")
      }
    }
  }
}

/// CRC-32C a bit at a time, as RFC 3720 defines it.
func referenceChecksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
  ~bytes.reduce(~0 as UInt32) { checksum, byte in
    (0..<8).reduce(checksum ^ UInt32(byte)) { value, _ in
      value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1
    }
  }
}

internal import AttentionTrace
private import Foundation

/// Where a run lies in a benchmark: `runs/PROMPT/METHOD/seed-N` of its folder.
struct BenchmarkPlace: Hashable, Sendable {
  /// The benchmark.
  let folder: BenchmarkFolder
  /// The prompt's `id` in the suite.
  let id: String
  /// The method's folder.
  let method: String
  /// The seed that the folder is named by.
  let seed: UInt64

  /// The place of a run; `nil` where it lies in no benchmark.
  init?(of run: RecordedRun) {
    let path = URL(fileURLWithPath: run.folder.path).standardizedFileURL.pathComponents
    guard path.count > 5, path[path.count - 4] == "runs", let name = path.last,
      let seed = RunFolder.seed(named: name)
    else { return nil }
    let folder = BenchmarkFolder(NSString.path(withComponents: Array(path.dropLast(4))))
    guard FileManager.default.fileExists(atPath: folder.record) else { return nil }
    (self.folder, self.seed) = (folder, seed)
    (id, method) = (path[path.count - 3], path[path.count - 2])
  }
}

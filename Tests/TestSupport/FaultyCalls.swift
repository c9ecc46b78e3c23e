private import Foundation
private import Glibc

/// A library for `LD_PRELOAD` that makes calls of the system fail as file systems of clusters do.
package enum FaultyCalls {
  /// Its path, compiled of `AttentionTraceTests/Fixtures/faults.c`, which says which variables steer it; `nil`
  /// where there is no compiler.
  package static let library: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let compilers = ["clang", "cc"].flatMap { name in folders.map { "\($0)/\(name)" } }
    guard let compiler = compilers.first(where: FileManager.default.isExecutableFile) else {
      return nil
    }
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../AttentionTraceTests/Fixtures/faults.c").path
    let library = FileManager.default.temporaryDirectory.path + "/heed-faults-\(getpid()).so"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: compiler)
    process.arguments = ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
    guard (try? process.run()) != nil else { return nil }
    process.waitUntilExit()
    return process.terminationStatus == 0 ? library : nil
  }()
}

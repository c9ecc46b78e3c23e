private import Foundation

/// Finds run folders.
package enum RunSearch {
  /// The folder itself if it is a run, else every run below it, in order of path.
  /// - Throws: `TraceError.noRun` if there is none.
  package static func folders(_ path: String) throws -> [String] {
    let files = FileManager.default
    if files.fileExists(atPath: RunFolder(path: path).manifest) { return [path] }
    var found: [String] = []
    let walk = files.enumerator(atPath: path)
    while let name = walk?.nextObject() as? String {
      if name.hasSuffix(".zarr") { walk?.skipDescendants() }
      if name.hasSuffix("/run.json") { found.append(path + "/" + name.dropLast(9)) }
    }
    guard !found.isEmpty else {
      throw TraceError.noRun(path: path)
    }
    return found.sorted()
  }

  /// The runs in or below folders, in the order of their paths.
  /// - Throws: `TraceError.givenTwice`, and as ``folders(_:)``.
  package static func distinctRuns(_ paths: [String]) throws -> [RecordedRun] {
    var seen: Set<String> = []
    return try paths.flatMap(folders).map { path in
      let place = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
      guard seen.insert(place).inserted else {
        throw TraceError.givenTwice(path: path)
      }
      return try RecordedRun(path)
    }
  }
}

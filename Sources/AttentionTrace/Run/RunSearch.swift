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

  /// The paths that a shell offers for the beginning of one: folders of runs, and with a slash at the end
  /// those that hold some.
  package static func completions(of typed: String) -> [String] {
    let cut = typed.lastIndex(of: "/").map(typed.index(after:)) ?? typed.startIndex
    let (parent, begun) = (String(typed[..<cut]), typed[cut...])
    let names =
      (try? FileManager.default.contentsOfDirectory(atPath: parent.isEmpty ? "." : parent)) ?? []
    return names.sorted().filter { $0.hasPrefix(begun) && !$0.hasPrefix(".") }.compactMap { name in
      let path = parent + name
      if FileManager.default.fileExists(atPath: RunFolder(path: path).manifest) { return path }
      return holdsRun(path) ? path + "/" : nil
    }
  }

  private static func holdsRun(_ path: String) -> Bool {
    let walk = FileManager.default.enumerator(atPath: path)
    while let name = walk?.nextObject() as? String {
      if name.hasSuffix(".zarr") { walk?.skipDescendants() }
      if name.hasSuffix("/run.json") { return true }
    }
    return false
  }

  /// A run's folder, and how it was found.
  package struct Place {
    /// Where it is.
    package let path: String
    /// Whether it was named itself, rather than a folder above it.
    package let isNamed: Bool
  }

  /// The runs in or below folders, in the order of their paths.
  /// - Throws: `TraceError.givenTwice`, and as ``folders(_:)``.
  package static func distinct(_ paths: [String]) throws -> [Place] {
    var seen: Set<String> = []
    return try paths.flatMap { path in
      try folders(path).map { Place(path: $0, isNamed: $0 == path) }
    }.map { place in
      let real = URL(fileURLWithPath: place.path).standardizedFileURL.resolvingSymlinksInPath().path
      guard seen.insert(real).inserted else { throw TraceError.givenTwice(path: place.path) }
      return place
    }
  }
}

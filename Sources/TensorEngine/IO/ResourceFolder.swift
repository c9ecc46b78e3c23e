private import Foundation

/// Where the files are that come with Heed: vocabulary, model, shapes, page and suites.
///
/// SwiftPM puts them beside the executable that it builds, `make install` into the share folder beside its
/// `bin`. The accessor that SwiftPM generates ends the process where there are none; this one can say so.
package enum ResourceFolder: String, CaseIterable {
  case promptText = "PromptText"
  case diffusion = "Diffusion"
  case figures = "Figures"
  case evaluation = "Evaluation"

  /// The folder; where there is none, the first place that was looked at.
  package var path: String { found ?? places[0] }

  private var found: String? { places.first(where: FileManager.default.fileExists(atPath:)) }

  /// Beside the executable, then in the share and lib folders beside its own.
  private var places: [String] {
    let name = "heed_\(rawValue).resources"
    let executable =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    let folder = URL(fileURLWithPath: executable).deletingLastPathComponent()
    return ["", "../share/heed", "../lib/heed"].map {
      folder.appendingPathComponent($0).appendingPathComponent(name).standardizedFileURL.path
    }
  }

  /// Refuses to go on without one of the folders.
  /// - Throws: `FileError` with the places that were looked at.
  package static func requireAll() throws {
    for folder in allCases where folder.found == nil {
      let places = folder.places
      throw FileError(
        .missing, path: places[0],
        reason: "the files that come with Heed are not there, nor in "
          + places.dropFirst().map { URL(fileURLWithPath: $0).deletingLastPathComponent().path }
          .joined(separator: " or ")
          + "; install Heed with make install, or keep them beside it")
    }
  }
}

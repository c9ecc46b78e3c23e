private import AttentionTrace
private import Foundation
private import Glibc

// Unsafe: the system takes paths for the length of a call.

/// A folder that may have to be made for a run, and what is taken away again where the run cannot start.
struct FreshFolder {
  private let path: String
  /// The folders that were not there, the innermost first.
  private let lacking: [String]

  init(_ path: String) {
    self.path = path
    var lacking: [String] = []
    var place = path
    while unsafe access(place, F_OK) != 0 {
      lacking.append(place)
      guard let slash = place.lastIndex(of: "/"), slash > place.startIndex else { break }
      place = String(place[..<slash])
    }
    self.lacking = lacking
  }

  /// What `body` gives; where it throws, the folder is removed if it was not there before, with those
  /// above it that were not and that hold nothing else.
  ///
  /// Where another process holds the folder it made it meanwhile, and it is left alone.
  func undoing<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as TraceError where error.isOfAnotherWriter {
      throw error
    } catch {
      remove()
      throw error
    }
  }

  /// Takes away what was not there before.
  func remove() {
    guard lacking.first == path else { return }
    try? FileManager.default.removeItem(atPath: path)
    for folder in lacking.dropFirst() where unsafe rmdir(folder) != 0 { break }
  }
}

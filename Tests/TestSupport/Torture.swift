private import Foundation

/// How much the tests of faults, kills and limits do: a part each time, and all of it by `make torture`.
package enum Torture {
  /// Whether all is to be done.
  package static let isWhole = ProcessInfo.processInfo.environment["HEED_TORTURE"] == "1"

  /// How often to try something at random.
  package static func count(_ usual: Int, whole: Int) -> Int { isWhole ? whole : usual }

  /// All of `cases`, or one in `share` of them, from another beginning each time.
  package static func part<Case>(of cases: [Case], oneIn share: Int) -> [Case] {
    if isWhole || cases.isEmpty { return cases }
    let first = Int(getpid()) % min(share, cases.count)
    return stride(from: first, to: cases.count, by: share).map { cases[$0] }
  }
}

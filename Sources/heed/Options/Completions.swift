import ArgumentParser
import AttentionTrace
import Diffusion
internal import Drawing
import Figures

/// What a shell offers for an argument.
extension CompletionKind {
  /// Folders of runs, and folders that hold them, a level at a time.
  static var runs: CompletionKind { .custom { _, _, typed in RunSearch.completions(of: typed) } }

  /// Names separated by commas: after a comma, those that are not there yet.
  static func names(_ names: [String]) -> CompletionKind {
    .custom { _, _, typed in
      let parts = typed.split(separator: ",", omittingEmptySubsequences: false).dropLast()
      return names.filter { !parts.contains(Substring($0)) }
        .map { (parts + [Substring($0)]).joined(separator: ",") }
    }
  }

  static var methods: CompletionKind { .list(Methods.all.map(\.name)) }
  static var layouts: CompletionKind { .list(SheetLayout.allCases.map(\.rawValue)) }
  static var schedulers: CompletionKind { .list(SchedulerKind.allCases.map(\.rawValue)) }
  static var colors: CompletionKind { .list(ColorMap.sequential.map(\.name)) }
}

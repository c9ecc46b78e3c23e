/// The colours of Attend-and-Excite's benchmark.
package enum ColorWord {
  /// Their names, as prompts have them.
  package static let all = [
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "gray", "black", "white",
  ]
}

/// The colours of data in every chart and in the report.
///
/// A colour means a word, the same in all layouts. Methods are told by dash and by the fill of markers,
/// whatever the colour; where a chart has no word of its own they have colours that no word has.
package enum Palette {
  /// Words in their order: Okabe and Ito's colours, those first whose contrast to the background of both
  /// themes is at least 3 : 1.
  package static let words = [
    Color(hex: 0x0072B2), Color(hex: 0xD55E00), Color(hex: 0x009E73), Color(hex: 0xCC79A7),
    Color(hex: 0xE69F00), Color(hex: 0x56B4E9),
  ]

  /// The method without guidance, in charts without a word.
  package static let plainMethod = Color(hex: 0x7A7A7A)

  /// Guided methods in their order, in charts without a word.
  package static let guidedMethods = [
    Color(hex: 0x8F62C9), Color(hex: 0xA46A1F), Color(hex: 0x1C8C98), Color(hex: 0xC2407A),
    Color(hex: 0x7C8420), Color(hex: 0x5B74C4), Color(hex: 0xB05A50),
  ]
}

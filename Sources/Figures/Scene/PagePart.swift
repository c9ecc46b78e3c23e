/// A part of a figure that is drawn, from the top of an empty page down, and not yet placed.
struct PagePart {
  var nodes: [Scene.Node]
  var height: Double

  /// Nothing, which takes no room.
  static let empty = PagePart(nodes: [], height: 0)
}

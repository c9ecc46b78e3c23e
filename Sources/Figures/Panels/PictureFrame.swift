internal import Drawing
internal import Pictures

extension Scene.Rect {
  /// The largest rectangle of the picture's shape within this one, centred.
  func inscribed(_ image: Picture) -> Scene.Rect {
    let factor = min(width / Double(image.width), height / Double(image.height))
    let (width, height) = (Double(image.width) * factor, Double(image.height) * factor)
    return Scene.Rect(
      x: x + (self.width - width) / 2, y: y + (self.height - height) / 2, width: width,
      height: height)
  }
}

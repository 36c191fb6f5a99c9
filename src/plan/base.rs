//! The layers of the base: unchanged, except for the members that go for all images that share them.

use super::compose::Composer;
use super::layers::Layers;
use super::output::LayerPlan;
use crate::tree::MemberId;
use std::collections::HashSet;

impl Layers<'_> {
    /// Writes a layer of the base: unchanged, or without the members that go for all images that share it.
    pub(super) fn base_layer(&mut self, layer: u32) {
        let members = &self.request.layers[layer as usize].members;
        let cut = self.request.cut.0.get(layer as usize).filter(|cut| !cut.is_whole());
        let Some(cut) = cut else {
            self.gone[layer as usize].fill(false);
            return self.outputs.push(LayerPlan::Verbatim(layer));
        };
        let mut composer = Composer::new(self.request, self.rewrites, Some(layer), HashSet::new());
        let mut end = 0;
        for (member, found) in (0u32..).zip(members) {
            let at = MemberId { layer, member };
            let span = found.span();
            composer.gap(layer, end..span.start);
            end = span.end;
            let goes = cut.has(member);
            self.gone[layer as usize][member as usize] = goes;
            if !goes {
                composer.raw(at, None);
            }
        }
        cut.emptied.iter().for_each(|dir| composer.implied(dir));
        self.outputs.extend(composer.finish(layer, false));
    }
}

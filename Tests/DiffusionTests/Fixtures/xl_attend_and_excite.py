"""Attend-and-Excite for Stable Diffusion XL, as a loop over diffusers' UNet: diffusers has none for XL.

Written from the paper and from diffusers' pipeline for SD 1.x. The UNet's input is scaled as the scheduler says in every pass.
"""
import torch
from diffusers.models.attention_processor import AttnProcessor
from make_tiny_models import ae_loss, hook


def attend_and_excite(unet, s, texts, indices, z, grid, steps, altered, thresholds):
    """The final latent at guidance 7.5 from the noise z, and every loss in its order.

    texts is what the pipeline's encode_prompt gives of a prompt: its tokens, those of no negative prompt, and the vectors of both.
    """
    own, none, pooled, no_pooled = texts
    s.set_timesteps(steps); x = z.clone() * s.init_noise_sigma; losses = []
    ids = torch.tensor([[8. * z.shape[2], 8. * z.shape[3], 0, 0, 8. * z.shape[2], 8. * z.shape[3]]])
    scale = torch.linspace(1, 0.5, len(s.timesteps)); more = dict(text_embeds=pooled, time_ids=ids)
    def look(x, t):
        store = hook(unet, grid); x = x.detach().requires_grad_(True)
        unet(s.scale_model_input(x, t), t, own, added_cond_kwargs=more)
        loss = ae_loss(store, indices, 76, True)[2]; losses.append(float(loss)); return x, loss
    def step(x, loss, i): return x - 20 * scale[i].sqrt() * torch.autograd.grad(loss, [x])[0]
    for i, t in enumerate(s.timesteps):
        s._step_index = None if i == 0 else s._step_index
        x, loss = look(x, t)
        if i < altered and i in thresholds and loss > 1 - thresholds[i]:
            for _ in range(20):
                if loss <= max(0, 1 - thresholds[i]): break
                x, loss = look(x, t)
                if loss != 0: x = step(x, loss, i)
            x, loss = look(x, t)
        if i < altered and loss != 0: x = step(x, loss, i)
        x = x.detach(); del loss
        with torch.no_grad():
            both = s.scale_model_input(torch.cat([x, x]), t)
            noise = unet(both, t, torch.cat([none, own]), added_cond_kwargs=dict(text_embeds=torch.cat([no_pooled, pooled]), time_ids=ids.repeat(2, 1))).sample
            a, b = noise.chunk(2); x = s.step(a + 7.5 * (b - a), t, x).prev_sample
    unet.set_attn_processor(AttnProcessor())
    return x, losses

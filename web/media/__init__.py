"""What links to this site show elsewhere, and the picture proxy: `picture_proxy`, `social_card`, `structured_data`."""

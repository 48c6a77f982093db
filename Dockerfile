# The image: one static binary and nothing else, so there is no base image to trust or to renew.
# deploy/image.sh builds the binary, then this.
FROM scratch
ARG TARGETARCH
COPY target/image/${TARGETARCH}/stateward /stateward
# Nobody: no name in an empty image, so by number, which Kubernetes' runAsNonRoot needs anyway.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/stateward"]
CMD ["serve"]
